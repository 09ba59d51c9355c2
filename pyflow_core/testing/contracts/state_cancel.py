"""Cancel requests: entered once, numbered, and never for a run that has ended."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

import pytest

from pyflow_core.ports.state import Entry, EntryType, RunStatus, Settlement, StepStatus
from pyflow_core.testing.contracts.bench import DONE, ONE, RUN, TWO, StateBench, ask, blocked, cancelled, failed
from pyflow_core.testing.contracts.scenario import scenario


class CancelContract:
    """`request_cancel`."""

    @scenario
    async def test_a_cancel_request_takes_a_number_and_wakes_a_parked_run(self, bench: StateBench) -> None:
        await bench.parked("a")
        bench.clock.advance(4)
        assert await bench.other.request_cancel(RUN) in {RunStatus.WAITING, RunStatus.RUNNING}
        assert (await bench.history()).entries == (Entry(1, EntryType.CANCEL, bench.clock()),)
        claim = await bench.claim()
        assert claim.history is not None
        assert claim.history.run.seq == 1
        assert (await bench.step("a")).status is StepStatus.PENDING

    @scenario
    async def test_a_cancel_request_reaches_the_owner_of_a_run_by_its_number(self, bench: StateBench) -> None:
        await bench.create()
        assert await bench.other.request_cancel(RUN) is RunStatus.RUNNING
        assert await bench.store.numbers(ONE) == {RUN: 1}
        assert (await bench.run()).owner == ONE
        [numbered] = await bench.store.load_after(RUN, 0)
        assert (numbered.seq, numbered.step, numbered.entry and numbered.entry.type) == (1, None, EntryType.CANCEL)

    @scenario
    async def test_a_run_is_cancelled_once(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.other.request_cancel(RUN)
        before = await bench.picture()
        assert await bench.store.request_cancel(RUN) is not None
        assert await bench.picture() == before
        assert await bench.numbers() == [1]

    @scenario
    async def test_of_many_cancel_requests_at_once_one_is_entered(self, bench: StateBench) -> None:
        await bench.create()
        await asyncio.gather(*(client.request_cancel(RUN) for client in bench.clients * 4))
        assert await bench.numbers() == [1]

    @pytest.mark.parametrize("end", [DONE, failed(), cancelled()], ids=lambda end: str(end.status.value))
    @scenario
    async def test_a_settled_run_is_left_as_it_is(self, bench: StateBench, end: Settlement) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=end)
        before = await bench.picture()
        assert await bench.other.request_cancel(RUN) is end.status
        assert await bench.picture() == before
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None

    @scenario
    async def test_a_blocked_run_is_cancelled_at_once(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")])
        claim = await bench.claim_step("a")
        await bench.turn(exact=True, settle=blocked())
        assert await bench.other.request_cancel(RUN) is RunStatus.BLOCKED
        run = await bench.run()
        assert (run.status, run.owner, run.finished_at) == (RunStatus.CANCELLED, None, bench.clock())
        assert {step.status for step in await bench.store.list_steps(RUN)} == {StepStatus.CANCELLED}
        await bench.refuses_finish(claim)
        assert await bench.other.unblock("onboarding", "code-2") == 0

    @scenario
    async def test_a_ready_run_that_is_cancelled_is_claimed_with_the_request(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        await bench.other.request_cancel(RUN)
        claim = await bench.claim()
        assert claim.history is not None
        assert [entry.seq for entry in claim.history.entries] == [1]
