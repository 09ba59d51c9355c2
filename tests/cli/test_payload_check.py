"""Whether a payload is damaged is told from whether its run is going, whenever that begins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_services.memory import MemoryPayloadService, MemoryStateService
from typing_extensions import override

from pyflow_cli.payload_check import PayloadCheck
from pyflow_core.payload.collection import Collector
from pyflow_core.payload.key import INPUT
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.payload.reference import write_reference
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.ports.state import Envelope, NewRun
from pyflow_core.testing.contracts.bench import DONE, WORKFLOW, StateBench
from pyflow_core.testing.contracts.scenario import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Disturbed(MemoryPayloadService):
    """Something happens right before the first stream is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.disturb: Callable[[], Awaitable[object]] | None = None

    @override
    async def open_stream(self, key: str) -> AsyncIterator[bytes] | None:
        disturb, self.disturb = self.disturb, None
        if disturb is not None:
            await disturb()
        return await super().open_stream(key)


async def make_run(state: MemoryStateService, store: MemoryPayloadService, clock: ManualClock) -> str:
    """A settled run; the key of its input."""
    bench = StateBench(state, state, clock)
    await bench.join("worker-1")
    reference = await PayloadWriter(store).write(b"1", Origin(WORKFLOW, "r"), INPUT)
    run = NewRun("r", WORKFLOW, Envelope(reference=write_reference(reference)), "code-1")
    await state.create_run(run, claim_for="worker-1")
    await bench.turn("r", exact=True, settle=DONE)
    return reference.key


def check(disturbance: str) -> PayloadCheck:
    """What a check finds while something else happens."""

    async def scenario() -> PayloadCheck:
        clock, store = ManualClock(), Disturbed()
        state = MemoryStateService(clock=clock)
        await state.open()
        key = await make_run(state, store, clock)

        async def half_a_purge() -> None:
            await state.ledger.expired_runs(0.0, 10)
            await store.delete([key])

        disturbances: dict[str, Callable[[], Awaitable[object]]] = {
            "damage": lambda: store.delete([key]),
            "half a purge": half_a_purge,
            "a purge": lambda: Collector([store], state.ledger).purge(0.0),
        }
        store.disturb = disturbances[disturbance]
        found = PayloadCheck(state, DataPlanes(store))
        await found.run("r")
        await state.close()
        return found

    return asyncio.run(scenario())


def test_a_purge_that_begins_in_the_middle_is_no_damage() -> None:
    checked = check("half a purge").checked
    assert (checked.bad, checked.purging, checked.runs) == ([], {"r": None}, 0)


def test_a_run_that_is_purged_meanwhile_is_not_told_of() -> None:
    checked = check("a purge").checked
    assert (checked.bad, checked.purging, checked.runs) == ([], {}, 0)


def test_what_is_lost_is_damage() -> None:
    checked = check("damage").checked
    assert [error.code for _, error in checked.bad] == ["payload_missing"]
    assert (checked.purging, checked.runs) == ({}, 1)
