"""Sweeps and purges on the real ledgers, with what they tell of themselves."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pyflow_services.memory import MemoryPayloadService, MemoryStateService
from pyflow_services.sqlite import SqliteStateService

from pyflow_core.errors import PayloadCollectedError, PayloadStoreUnavailableError
from pyflow_core.payload.boundary import referenced_keys
from pyflow_core.payload.collection import DAY, HOUR, CollectionPolicy, Collector, may_be_swept, past_grace
from pyflow_core.payload.configuration import PERIOD_SECONDS
from pyflow_core.payload.key import INPUT, OUTPUT, file_slot, payload_key
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.payload.reference import write_reference
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.ports.payload import PROBE_PREFIX, StoredObject
from pyflow_core.ports.state import DEFAULT_TENANT, Envelope, NewRun
from pyflow_core.testing.contracts.bench import DONE, WORKFLOW, StateBench
from pyflow_core.testing.contracts.scenario import ManualClock
from pyflow_core.testing.metric import MemoryMetrics

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence
    from pathlib import Path

    from pyflow_core.ports.payload import PayloadLedger
    from pyflow_core.ports.state import WorkflowStateService


class House:
    """A state, a payload store and a collector, on one clock."""

    def __init__(self, state: WorkflowStateService, clock: ManualClock) -> None:
        self.bench = StateBench(state, state, clock)
        self.state = state
        self.clock = clock
        self.store = MemoryPayloadService(clock=clock)
        self.metrics = MemoryMetrics()
        self.writer = PayloadWriter(self.store)
        self.collector = Collector([self.store], state.ledger, uptime=clock, metrics=self.metrics)

    async def put(self, run_id: str, slot: str = OUTPUT, step: str | None = "send") -> Envelope:
        reference = await self.writer.write(b"data", Origin(WORKFLOW, run_id, step), slot)
        return Envelope(reference=write_reference(reference))

    async def start(self, run_id: str, value: Envelope) -> None:
        await self.state.create_run(NewRun(run_id, WORKFLOW, value, "code-1"), claim_for="worker-1")

    async def settle(self, run_id: str) -> None:
        await self.bench.turn(run_id, exact=True, settle=DONE)

    async def keys(self) -> list[str]:
        return [item.key async for item in self.store.objects("")]


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path):
    @asynccontextmanager
    async def house() -> AsyncGenerator[House]:
        clock = ManualClock()
        state: WorkflowStateService = MemoryStateService(clock=clock)
        if request.param == "sqlite":
            state = SqliteStateService(tmp_path / "x.db", synchronous="normal", clock=clock, lease_clock=clock)
        await state.open()
        try:
            one = House(state, clock)
            await one.bench.join("worker-1")
            yield one
        finally:
            await state.close()

    return house


def test_a_sweep_deletes_orphans_past_their_grace_and_nothing_else(make) -> None:
    async def scenario() -> None:
        async with make() as house:
            await house.start("run-1", await house.put("run-1", INPUT, None))
            await house.put("crashed-before-it-was-created")
            await house.settle("run-1")
            await house.put("run-1")  # an attempt that died before its commit
            await house.put("run-1", file_slot("page.txt"))
            await house.store.put("payloads/not/ours", b"x")
            house.clock.advance(2 * DAY)
            young = await house.put("young")

            dry = await house.collector.sweep(dry_run=True)
            assert len(dry.orphans["memory"]) == 2
            assert (dry.deleted, len(await house.keys())) == (0, 6)

            report = await house.collector.sweep()
            assert (report.listed, report.young, report.deleted) == (6, 1, 2)
            assert report.orphans == dry.orphans
            left = await house.keys()
            assert [key for key in left if "crashed" in key or "/send/output" in key] == [
                key for key in left if "young" in key
            ]
            assert len(left) == 4
            await house.start("young", young)
            assert house.metrics.counts["pyflow.payload.orphans_deleted{store=memory}"] == 2
            assert house.metrics.counts["pyflow.payload.orphans_found"] == 4

    asyncio.run(scenario())


def test_a_sweep_deletes_what_killed_probes_have_left(make) -> None:
    async def scenario() -> None:
        async with make() as house:
            left, foreign = f"{PROBE_PREFIX}{'0' * 32}", f"{PROBE_PREFIX}of-somebody-else"
            for key in (left, foreign):
                await house.store.put(key, b"created once")
            house.clock.advance(2 * DAY)
            young = f"{PROBE_PREFIX}{'1' * 32}"
            await house.store.put(young, b"created once")

            dry = await house.collector.sweep(dry_run=True)
            assert (dry.orphans, dry.deleted, dry.young) == ({"memory": [left]}, 0, 1)
            report = await house.collector.sweep()
            assert (report.orphans, report.deleted) == ({"memory": [left]}, 1)
            assert sorted(await house.keys()) == [young, foreign]

    asyncio.run(scenario())


def test_a_barred_value_is_stored_under_another_name_and_tombstones_are_forgotten_in_time(make) -> None:
    async def scenario() -> None:
        async with make() as house:
            value = await house.put("run-1", INPUT, None)
            house.clock.advance(2 * DAY)
            await house.collector.sweep()
            with pytest.raises(PayloadCollectedError):
                await house.start("run-1", value)
            reference = await house.writer.write(b"data", Origin(WORKFLOW, "run-1"), INPUT, edition=1)
            await house.start("run-1", Envelope(reference=write_reference(reference)))
            house.clock.advance(6 * DAY)
            assert (await house.collector.sweep()).forgotten_tombstones == 0
            house.clock.advance(2 * DAY)
            assert (await house.collector.sweep()).forgotten_tombstones == 1
            assert await house.keys() == [reference.key]

    asyncio.run(scenario())


def test_a_purge_takes_runs_past_retention_with_all_they_stored(make) -> None:
    async def scenario() -> None:
        async with make() as house:
            for run_id in ("old", "new"):
                await house.start(run_id, await house.put(run_id, INPUT, None))
                await house.put(run_id, file_slot("page.txt"))
                await house.settle(run_id)
                house.clock.advance(10 * DAY)
            report = await house.collector.purge(15 * DAY)
            assert (report.purged, report.deleted, report.failures) == (["old"], 2, {})
            assert await house.state.get_run("old") is None
            assert await house.state.get_run("new") is not None
            assert len(await house.keys()) == 2
            assert house.metrics.counts["pyflow.payload.purged_runs"] == 1

    asyncio.run(scenario())


def test_a_purge_that_fails_is_noted_and_does_not_hold_up_others(make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with make() as house:
            for run_id in ("first", "second"):
                await house.start(run_id, await house.put(run_id, INPUT, None))
                await house.settle(run_id)
                house.clock.advance(1)
            delete = house.store.delete

            async def fail(keys: Sequence[str]) -> None:
                if any("first" in key for key in keys):
                    raise PayloadStoreUnavailableError("the store is away")
                await delete(keys)

            monkeypatch.setattr(house.store, "delete", fail)
            house.clock.advance(DAY)
            report = await house.collector.purge(HOUR)
            assert (report.purged, report.failures) == (["second"], {"first": "the store is away"})
            monkeypatch.setattr(house.store, "delete", delete)
            assert (await house.collector.purge(HOUR)).purged == ["first"]
            assert await house.keys() == []

    asyncio.run(scenario())


def test_a_process_that_stood_still_gives_its_deletion_up(make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with make() as house:
            value = await house.put("run-1", INPUT, None)
            house.clock.advance(2 * DAY)
            ledger = house.state.ledger
            bar = type(ledger).bar

            async def slow(self: PayloadLedger, keys: Collection[str]) -> set[str]:
                barred = await bar(self, keys)
                house.clock.advance(2 * HOUR)
                return barred

            monkeypatch.setattr(type(ledger), "bar", slow)
            report = await house.collector.sweep()
            monkeypatch.undo()
            assert (report.abandoned, report.deleted) == (1, 0)
            assert len(await house.keys()) == 1
            with pytest.raises(PayloadCollectedError):
                await house.start("run-1", value)
            assert (await house.collector.sweep()).deleted == 1

    asyncio.run(scenario())


def test_grace_is_counted_to_the_second() -> None:
    listed = [StoredObject(f"payloads/{n}", 1, float(n)) for n in range(5)]
    assert past_grace(listed, 103.0, CollectionPolicy(grace_seconds=100.0)) == [f"payloads/{n}" for n in range(4)]


def test_a_configuration_is_swept_once_no_run_needs_it_and_its_time_is_over(make) -> None:
    async def scenario() -> None:
        async with make() as house:
            planes = DataPlanes(house.store, now=house.clock)

            async def saved() -> Envelope:
                return Envelope(reference=write_reference(await planes.save(b"{}", DEFAULT_TENANT)))

            first = await saved()
            await house.start("run-1", first)
            house.clock.advance(PERIOD_SECONDS)
            second = await saved()
            house.clock.advance(2 * PERIOD_SECONDS - 1)
            assert (await house.collector.sweep()).deleted == 0
            house.clock.advance(1)
            kept, swept = await house.collector.sweep(dry_run=True), await house.collector.sweep()
            assert kept.orphans == swept.orphans == {house.store.name: referenced_keys(second)}
            assert await house.keys() == referenced_keys(first)
            with pytest.raises(PayloadCollectedError):
                await house.start("run-2", second)
            await house.start("run-2", await saved())

            await house.settle("run-1")
            assert (await house.collector.sweep()).deleted == 0
            await house.collector.purge(0.0)
            assert (await house.collector.sweep()).orphans == {house.store.name: referenced_keys(first)}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("run_id", "slot", "expected"),
    [
        ("run-1", OUTPUT, True),
        ("run-1", file_slot("x"), True),
        ("é" * 200, OUTPUT, True),
        ("é" * 200, file_slot("x"), False),
    ],
)
def test_what_cannot_be_judged_by_its_key_is_left_to_the_purge(run_id: str, slot: str, expected: bool) -> None:
    assert may_be_swept(payload_key("t", "w", run_id, "s", slot, "ab" * 32)) is expected
    assert not may_be_swept("payloads/not/ours")
    assert not may_be_swept("configs/t/x.json")


def test_a_tombstone_must_outlive_its_deletion() -> None:
    with pytest.raises(ValueError, match="outlive"):
        CollectionPolicy(tombstone_seconds=HOUR, deletion_seconds=HOUR)
