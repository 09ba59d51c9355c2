"""Races: two things at once, in many interleavings, of which exactly one consistent outcome may follow."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pytest

from pyflow_core.errors import OvertakenError, PyflowError, StaleLeaseError
from pyflow_core.ports.state import Committed, FinishedStep, Redriven, RunStatus, StepStatus
from pyflow_core.testing.contracts.bench import (
    DONE,
    LEASE_SECONDS,
    ONE,
    RUN,
    TWO,
    StateBench,
    ask,
    blocked,
    failed,
)
from pyflow_core.testing.contracts.scenario import scenario, turns

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")
U = TypeVar("U")

LAGS = range(-6, 7)
"""By how many turns of the loop the second of two operations lags behind the first; negative: it leads."""

each_lag = pytest.mark.parametrize("lag", LAGS)


async def _lag(count: int, operation: Awaitable[T]) -> T | PyflowError:
    await turns(count)
    try:
        return await operation
    except PyflowError as error:
        return error


async def _race(lag: int, first: Awaitable[T], second: Awaitable[U]) -> tuple[T | PyflowError, U | PyflowError]:
    return await asyncio.gather(_lag(max(0, -lag), first), _lag(max(0, lag), second))


class RaceContract:
    """Every pair of operations that may meet."""

    @each_lag
    @scenario
    async def test_no_wake_up_is_lost_between_parking_and_a_result(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        claim = await bench.claim_step("a")
        committed, finished = await _race(
            lag, bench.turn(park=True), bench.other.finish_step(claim, TWO, bench.outcome(claim))
        )
        assert isinstance(committed, Committed)
        assert isinstance(finished, FinishedStep)
        woken = await bench.other.claim_run(RUN, TWO, parked={})
        if committed.parked:
            assert (committed.seq, finished) == (0, FinishedStep(1, None))
            assert woken is not None, "the run is parked and nobody will ever claim it"
        else:
            assert (committed.seq, finished) == (1, FinishedStep(1, ONE))
            assert woken is None
            assert (await bench.run()).owner == ONE

    @each_lag
    @scenario
    async def test_no_wake_up_is_lost_between_parking_and_a_cancel_request(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        committed, _ = await _race(lag, bench.turn(park=True), bench.other.request_cancel(RUN))
        assert isinstance(committed, Committed)
        woken = await bench.other.claim_run(RUN, TWO, parked={})
        assert (woken is not None) == committed.parked

    @each_lag
    @scenario
    async def test_a_turn_that_asks_and_parks_meets_the_result_of_an_earlier_step(
        self, bench: StateBench, lag: int
    ) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        claim = await bench.claim_step("a")
        turn = bench.turn(results=[bench.inline("x")], asks=[ask("b", asked_at=1)], exact=True, park=True)
        committed, finished = await _race(lag, turn, bench.other.finish_step(claim, TWO, bench.outcome(claim)))
        assert isinstance(finished, FinishedStep)
        if isinstance(committed, OvertakenError):
            assert (await bench.numbers(), finished) == ([1], FinishedStep(1, ONE))
            assert await bench.store.get_step_state(RUN, "b") is None
        else:
            assert committed == Committed(1, parked=True)
            assert finished == FinishedStep(2, None)
            assert (await bench.claim()).epoch == 2

    @each_lag
    @scenario
    async def test_a_settlement_meets_a_result(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        claim = await bench.claim_step("a")
        finish = bench.other.finish_step(claim, TWO, bench.outcome(claim))
        settled, finished = await _race(lag, bench.turn(exact=True, settle=DONE), finish)
        status, step = (await bench.run()).status, await bench.step("a")
        if isinstance(finished, FinishedStep):
            assert isinstance(settled, OvertakenError)
            assert (status, step.status, await bench.numbers()) == (RunStatus.RUNNING, StepStatus.COMPLETED, [1])
        else:
            assert isinstance(finished, StaleLeaseError)
            assert settled == Committed(0, parked=False)
            assert (status, step.status, await bench.numbers()) == (RunStatus.COMPLETED, StepStatus.CANCELLED, [])

    @each_lag
    @scenario
    async def test_a_settlement_meets_a_cancel_request(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        settled, before = await _race(lag, bench.turn(exact=True, settle=DONE), bench.other.request_cancel(RUN))
        if before is RunStatus.COMPLETED:
            assert (settled, await bench.numbers()) == (Committed(0, parked=False), [])
        else:
            assert isinstance(settled, OvertakenError)
            assert await bench.numbers() == [1]

    @each_lag
    @scenario
    async def test_a_cancelled_step_meets_its_claim(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        _, claim = await _race(lag, bench.turn(cancels=["a"]), bench.other.claim_step(RUN, "a", TWO))
        step = await bench.step("a")
        if claim is None:
            assert (step.status, step.attempts) == (StepStatus.CANCELLED, 0)
        else:
            assert not isinstance(claim, PyflowError)
            assert (step.status, step.cancel_requested) == (StepStatus.RUNNING, True)
            assert await bench.other.revoked(TWO, [claim]) == [claim]

    @each_lag
    @scenario
    async def test_a_reaper_meets_a_late_result(self, bench: StateBench, lag: int) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a", worker=TWO)
        for _ in range(2):
            bench.clock.advance(LEASE_SECONDS * 0.6)
            bench.renew(ONE)
        finish = bench.other.finish_step(claim, TWO, bench.outcome(claim))
        reaped, finished = await _race(lag, bench.store.reap(), finish)
        assert reaped == (TWO,)
        step = await bench.step("a")
        if isinstance(finished, FinishedStep):
            assert (step.status, step.deaths, step.seq) == (StepStatus.COMPLETED, 0, 1)
            assert await bench.store.claim_run(RUN, ONE, parked={}) is not None
        else:
            assert isinstance(finished, StaleLeaseError)
            assert (step.status, step.deaths, step.seq) == (StepStatus.PENDING, 1, None)
            assert await bench.store.claim_run(RUN, ONE, parked={}) is None

    @each_lag
    @scenario
    async def test_a_reaper_meets_a_late_turn(self, bench: StateBench, lag: int) -> None:
        await bench.create(owner=TWO)
        for _ in range(2):
            bench.clock.advance(LEASE_SECONDS * 0.6)
            bench.renew(ONE)
        turn = bench.turn(worker=TWO, exact=True, settle=DONE)
        _, committed = await _race(lag, bench.other.reap(), turn)
        run = await bench.run()
        if isinstance(committed, Committed):
            assert (run.status, run.takeovers) == (RunStatus.COMPLETED, 0)
        else:
            assert isinstance(committed, StaleLeaseError)
            assert (run.status.settled, run.takeovers, run.owner) == (False, 1, None)

    @each_lag
    @scenario
    async def test_two_claims_of_a_run_meet(self, bench: StateBench, lag: int) -> None:
        await bench.create(owner=None)
        one, two = await _race(
            lag,
            bench.store.claim_run(RUN, ONE, parked={}),
            bench.other.claim_runs(TWO, ["onboarding"], 5, parked={}),
        )
        assert (one is not None) + bool(two) == 1
        assert (await bench.run()).owner == (ONE if one else TWO)

    @each_lag
    @scenario
    async def test_a_redrive_meets_another(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=failed())
        answers = await _race(lag, bench.store.redrive(RUN), bench.other.redrive(RUN))
        assert sorted(answers, key=str) == [None, Redriven(2, None, ())]

    @each_lag
    @scenario
    async def test_an_unblocking_meets_a_cancel_request(self, bench: StateBench, lag: int) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=blocked())
        count, before = await _race(lag, bench.store.unblock("onboarding", "code-2"), bench.other.request_cancel(RUN))
        claim = await bench.other.claim_run(RUN, TWO, parked={})
        if before is RunStatus.BLOCKED:
            assert (count, claim, (await bench.run()).status) == (0, None, RunStatus.CANCELLED)
        else:
            assert (count, await bench.numbers()) == (1, [1])
            assert claim is not None

    @each_lag
    @scenario
    async def test_marking_a_job_meets_its_claim(self, bench: StateBench, lag: int) -> None:
        await bench.create(owner=None)
        jobs = await bench.store.unqueued(0, 5)
        _, claim = await _race(lag, bench.store.mark_queued(jobs), bench.other.claim_run(RUN, TWO, parked={}))
        assert claim is not None
        await bench.other.leave(TWO)
        assert await bench.store.unqueued(0, 5) == jobs
