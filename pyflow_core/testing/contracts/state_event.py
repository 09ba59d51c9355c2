"""The event log, and the hints to those who wait for something."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import Settlement, StepForm
from pyflow_core.testing.contracts.bench import (
    DONE,
    FAILURE,
    ONE,
    RUN,
    TWO,
    StateBench,
    ask,
    blocked,
    cancelled,
    failed,
)
from pyflow_core.testing.contracts.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HINT_SECONDS = 10.0
"""A hint may come by a slower way than the fast one; this is only the end of patience."""


class EventContract:
    """`list_events` and `subscribe`."""

    async def _types(self, bench: StateBench, run_id: str = RUN) -> list[str]:
        return [event.type for event in await bench.other.list_events(run_id)]

    @scenario
    async def test_the_log_tells_the_life_of_a_run_in_order(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b", claimed=True)], results=[bench.inline("x")])
        await bench.turn(delivered=1, park=True)
        await bench.retry(await bench.claim_step("a"), due_in=0)
        await bench.run_step("a")
        claim = await bench.claim(worker=ONE)
        await bench.turn(epoch=claim.epoch, delivered=2, cancels=["b"])
        result = bench.inline("b", error=FAILURE)._replace(form=StepForm.RPC, epoch=1)
        await bench.turn(epoch=claim.epoch, delivered=2, results=[result])
        await bench.other.request_cancel(RUN)
        await bench.turn(epoch=claim.epoch, delivered=4, exact=True, settle=cancelled())
        assert await self._types(bench) == [
            EventType.RUN_CREATED,
            EventType.RUN_CLAIMED,
            EventType.STEP_COMPLETED,
            EventType.STEP_SCHEDULED,
            EventType.STEP_SCHEDULED,
            EventType.STEP_STARTED,
            EventType.RUN_PARKED,
            EventType.STEP_STARTED,
            EventType.STEP_RETRIED,
            EventType.STEP_STARTED,
            EventType.STEP_COMPLETED,
            EventType.RUN_CLAIMED,
            EventType.STEP_STOP_REQUESTED,
            EventType.STEP_FAILED,
            EventType.RUN_CANCEL_REQUESTED,
            EventType.RUN_CANCELLED,
        ]

    @scenario
    async def test_an_event_says_what_who_and_when(self, bench: StateBench) -> None:
        await bench.parked("a")
        bench.clock.advance(3)
        await bench.retry(await bench.claim_step("a"), due_in=0)
        await bench.fail(await bench.claim_step("a"))
        events = await bench.store.list_events(RUN)
        assert {event.run_id for event in events} == {RUN}
        assert {event.generation for event in events} == {1}
        ids = [event.id for event in events]
        assert ids == sorted(set(ids))
        at = bench.clock()
        told = [(e.type, e.seq, e.step_name, e.attempt, e.worker, e.at) for e in events if e.at == at]
        assert told == [
            (EventType.STEP_STARTED, None, "a", 1, TWO, at),
            (EventType.STEP_RETRIED, None, "a", 1, TWO, at),
            (EventType.STEP_STARTED, None, "a", 2, TWO, at),
            (EventType.STEP_FAILED, 1, "a", 2, TWO, at),
        ]
        by_type = {event.type: event for event in events}
        for kind in (EventType.STEP_RETRIED, EventType.STEP_FAILED):
            assert FAILURE.message in (by_type[kind].detail or "")
        scheduled, parked = by_type[EventType.STEP_SCHEDULED], by_type[EventType.RUN_PARKED]
        assert (scheduled.step_name, scheduled.seq) == ("a", None)
        assert (parked.worker, parked.step_name, parked.seq) == (ONE, None, None)

    @scenario
    async def test_each_number_has_one_event(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")], results=[bench.inline("x"), bench.inline("y", error=FAILURE)])
        await bench.run_step("a")
        await bench.other.request_cancel(RUN)
        numbered = [(event.seq, event.type) for event in await bench.store.list_events(RUN) if event.seq is not None]
        assert numbered == [
            (1, EventType.STEP_COMPLETED),
            (2, EventType.STEP_FAILED),
            (3, EventType.STEP_COMPLETED),
            (4, EventType.RUN_CANCEL_REQUESTED),
        ]

    @scenario
    async def test_every_end_of_a_run_is_told(self, bench: StateBench) -> None:
        ends: dict[EventType, Settlement] = {
            EventType.RUN_COMPLETED: DONE,
            EventType.RUN_FAILED: failed(),
            EventType.RUN_CANCELLED: cancelled(),
            EventType.RUN_BLOCKED: blocked(),
        }
        for kind, end in ends.items():
            await bench.create(kind)
            await bench.turn(kind, exact=True, settle=end)
            last = (await bench.store.list_events(kind))[-1]
            assert (last.type, last.worker) == (kind, ONE)
            assert (end.error is None) or (end.error.message in (last.detail or ""))

    @scenario
    async def test_what_a_settlement_cancels_is_told_with_it(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")])
        await bench.turn(cancels=["a"])
        assert (await self._types(bench))[-1] == EventType.STEP_CANCELLED
        await bench.turn(exact=True, settle=DONE)
        assert sorted((await self._types(bench))[-2:]) == [EventType.RUN_COMPLETED, EventType.STEP_CANCELLED]

    @scenario
    async def test_leaving_and_dying_are_told(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a", claimed=True)])
        await bench.store.leave(ONE)
        assert sorted((await self._types(bench))[-2:]) == [EventType.RUN_RELEASED, EventType.STEP_RELEASED]
        await bench.join("mortal")
        await bench.store.claim_run(RUN, "mortal", parked={})
        await bench.store.claim_step(RUN, "a", "mortal")
        await bench.let_die("mortal")
        lost = (await bench.store.list_events(RUN))[-2:]
        assert {event.type: event.worker for event in lost} == {
            EventType.RUN_TAKEN_OVER: "mortal",
            EventType.STEP_WORKER_LOST: "mortal",
        }

    @scenario
    async def test_redrives_and_unblockings_are_told_and_the_old_generation_stays(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=blocked())
        await bench.other.unblock("onboarding", "code-2")
        claim = await bench.claim(worker=ONE)
        await bench.turn(epoch=claim.epoch, exact=True, settle=failed())
        await bench.other.redrive(RUN)
        events = await bench.store.list_events(RUN)
        assert [(event.type, event.generation) for event in events] == [
            (EventType.RUN_CREATED, 1),
            (EventType.RUN_CLAIMED, 1),
            (EventType.RUN_BLOCKED, 1),
            (EventType.RUN_UNBLOCKED, 1),
            (EventType.RUN_CLAIMED, 1),
            (EventType.RUN_FAILED, 1),
            (EventType.RUN_REDRIVEN, 2),
        ]

    # --- hints

    async def _hinted(self, bench: StateBench, act: Callable[[], Awaitable[Any]]) -> None:
        """Subscribe at one client, act at the other, and wait for the hint."""
        hinted = asyncio.Event()
        unsubscribe = bench.store.subscribe(hinted.set)
        try:
            await asyncio.sleep(0)
            hinted.clear()
            await act()
            async with asyncio.timeout(HINT_SECONDS):
                await hinted.wait()
        finally:
            unsubscribe()

    @scenario
    async def test_another_clients_new_work_is_hinted(self, bench: StateBench) -> None:
        await self._hinted(bench, lambda: bench.other.create_run(bench.new_run()))

    @scenario
    async def test_another_clients_result_is_hinted(self, bench: StateBench) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a")
        await self._hinted(bench, lambda: bench.finish(claim))

    @scenario
    async def test_another_clients_cancel_request_is_hinted(self, bench: StateBench) -> None:
        await bench.create()
        await self._hinted(bench, lambda: bench.other.request_cancel(RUN))

    @scenario
    async def test_a_hint_ends_with_its_subscription(self, bench: StateBench) -> None:
        hints: list[str] = []
        ended = bench.store.subscribe(lambda: hints.append("ended"))
        ended()
        ended()
        await self._hinted(bench, lambda: bench.other.create_run(bench.new_run()))
        assert hints == []

    @scenario
    async def test_every_subscriber_is_hinted(self, bench: StateBench) -> None:
        second = asyncio.Event()
        unsubscribe = bench.store.subscribe(second.set)
        await self._hinted(bench, lambda: bench.other.create_run(bench.new_run()))
        async with asyncio.timeout(HINT_SECONDS):
            await second.wait()
        unsubscribe()
