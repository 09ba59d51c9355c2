"""Deposits and their commits: stored right before, and again where the commit is late or refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from pyflow_services.memory import MemoryPayloadService

from pyflow_core.codec import codec_for
from pyflow_core.errors import PayloadCollectedError, StoreUnavailableError
from pyflow_core.payload.deposit import Deposit, decide
from pyflow_core.payload.draft import draft_value
from pyflow_core.payload.keeper import Keeper
from pyflow_core.payload.key import OUTPUT, parse_key
from pyflow_core.payload.plane import DataPlane, single_reference
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_core.payload.keeper import Store

LARGE = "x" * 40_000


async def one_by_one(store: Store, deposits: Sequence[Deposit]) -> None:
    for deposit in deposits:
        await store(deposit)


class Bench:
    """A keeper over a store, at a time that the test sets; `barred` keys are refused by `commit`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.barred: set[str] = set()
        self.committed: list[str | None] = []
        self.stored: list[str] = []
        self.put_seconds: list[float] = []
        self.store = MemoryPayloadService()
        self.plane = DataPlane(PayloadWriter(self.store), PayloadReader({"memory": self.store}))
        self.keeper = Keeper(self._store, store_all=one_by_one, uptime_now=lambda: self.now)

    def deposit(self, value: str = LARGE, step_name: str = "send") -> Deposit:
        draft = draft_value(codec_for(str), value, context=lambda text: {"length": len(text)})
        return decide(draft, Origin("orders", "run-1", step_name), OUTPUT)

    async def commit(self, *deposits: Deposit) -> None:
        async def write() -> None:
            keys = {key_of(deposit) for deposit in deposits if deposit.envelope.reference}
            if keys & self.barred:
                raise PayloadCollectedError(keys=keys & self.barred)
            self.committed += [deposit.envelope.reference for deposit in deposits]

        await self.keeper.commit(deposits, write)

    async def _store(self, deposit: Deposit) -> None:
        self.stored.append(deposit.origin.step_name or "")
        await self.plane.store(deposit)
        self.now += self.put_seconds.pop(0) if self.put_seconds else 0.0


def key_of(deposit: Deposit) -> str:
    return single_reference(deposit.envelope).key


def edition_of(deposit: Deposit) -> int:
    parts = parse_key(key_of(deposit))
    assert parts is not None
    return parts.edition


def test_a_refused_value_goes_under_another_name_and_the_others_keep_theirs() -> None:
    async def scenario() -> None:
        bench = Bench()
        first, second = bench.deposit(step_name="first"), bench.deposit(step_name="second")
        await bench.keeper.confirm([first, second])
        bench.barred = {key_of(second), key_of(second).replace(".json", "-1.json")}
        await bench.commit(first, second)
        assert (edition_of(first), edition_of(second)) == (0, 2)
        assert bench.stored == ["first", "second", "second", "second"]
        assert await bench.plane.fetch(codec_for(str), single_reference(second.envelope)) == LARGE
        assert second.envelope.context == '{"length":40000}'
        assert bench.committed == [first.envelope.reference, second.envelope.reference]

    asyncio.run(scenario())


def test_a_value_may_have_been_collected_under_any_number_of_names() -> None:
    async def scenario() -> None:
        bench, deposit = Bench(), Bench().deposit()
        await bench.keeper.confirm([deposit])
        name = key_of(deposit)
        bench.barred = {name, *(name.replace(".json", f"-{edition}.json") for edition in range(1, 50))}
        await bench.commit(deposit)
        assert edition_of(deposit) == 50

    asyncio.run(scenario())


def test_a_commit_that_is_refused_for_the_payload_of_somebody_else_is_not_tried_again() -> None:
    async def scenario() -> None:
        bench, deposit = Bench(), Bench().deposit()
        tries = 0

        async def write() -> None:
            nonlocal tries
            tries += 1
            raise PayloadCollectedError(keys=["payloads/default/orders/other/~run/output.0.json"])

        with pytest.raises(PayloadCollectedError, match="orders/other"):
            await bench.keeper.commit([deposit], write)
        assert tries == 1

    asyncio.run(scenario())


def test_what_waited_long_for_its_commit_is_stored_anew() -> None:
    async def scenario() -> None:
        bench, deposit = Bench(), Bench().deposit()
        await bench.keeper.confirm([deposit])
        reference = deposit.envelope.reference
        bench.now += 3600
        await bench.commit(deposit)
        assert bench.stored == ["send"]
        await bench.store.delete([key_of(deposit)])
        bench.now += 1
        await bench.commit(deposit)
        assert bench.stored == ["send"] * 2
        assert deposit.envelope.reference == reference
        assert await bench.plane.fetch(codec_for(str), single_reference(deposit.envelope)) == LARGE

    asyncio.run(scenario())


def test_of_many_values_the_first_is_stored_anew_if_the_others_took_long() -> None:
    async def scenario() -> None:
        bench = Bench()
        deposits = [bench.deposit(step_name=name) for name in ("first", "second", "third")]
        bench.put_seconds = [1.0, 3000.0, 1000.0]
        await bench.commit(*deposits)
        assert bench.stored == ["first", "second", "third", "first", "second"]

    asyncio.run(scenario())


def test_a_commit_that_failed_otherwise_can_be_made_again() -> None:
    async def scenario() -> None:
        bench, deposit = Bench(), Bench().deposit()

        async def write() -> None:
            raise StoreUnavailableError

        await bench.keeper.confirm([deposit])
        bench.barred = {key_of(deposit)}
        await bench.commit(deposit)
        with pytest.raises(StoreUnavailableError):
            await bench.keeper.commit([deposit], write)
        bench.now += 10_000
        await bench.commit(deposit)
        assert edition_of(deposit) == 1

    asyncio.run(scenario())


def test_an_inline_value_needs_no_store() -> None:
    async def scenario() -> None:
        bench = Bench()
        deposit = bench.deposit("x")
        bench.now += 10_000
        await bench.commit(deposit)
        assert bench.stored == []
        assert (deposit.envelope.inline, deposit.inline_bytes) == ('"x"', 3)
        assert not deposit.again(["any"])

    asyncio.run(scenario())
