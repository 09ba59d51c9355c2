"""Steps: claims, fences, retries and due times."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

import pytest

from pyflow_core.errors import ErrorInfo, StaleLeaseError
from pyflow_core.ports.state import Envelope, FinishedStep, RunStatus, StepClaim, StepStatus
from pyflow_core.testing.contracts.bench import DONE, FAILURE, ONE, QUEUE, RUN, TWO, WORKFLOW, StateBench, ask, blocked
from pyflow_core.testing.contracts.scenario import scenario

SECOND_QUEUE = "workflow-onboarding-pay"


class StepContract:
    """`claim_step`, `claim_steps`, `finish_step`, `retry_step`, `release_step`, `revoked`, `next_due`."""

    # --- claims

    @scenario
    async def test_a_claim_of_a_step_brings_all_that_it_needs(self, bench: StateBench) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a")
        assert claim == StepClaim(
            run_id=RUN,
            workflow=WORKFLOW,
            generation=1,
            step_name="a",
            rpc_name="mail.send",
            queue=QUEUE,
            options='{"retries":2}',
            input=Envelope(inline="{}"),
            epoch=1,
            attempts=1,
        )
        step = await bench.step("a")
        assert (step.status, step.worker, step.epoch, step.attempts) == (StepStatus.RUNNING, TWO, 1, 1)
        assert step.started_at == bench.clock()

    @scenario
    async def test_of_many_claimers_of_a_step_one_wins(self, bench: StateBench) -> None:
        await bench.parked("a")
        claims = await asyncio.gather(
            *(bench.clients[n % 2].claim_step(RUN, "a", (ONE, TWO)[n % 2]) for n in range(10)),
            *(bench.clients[n % 2].claim_steps((ONE, TWO)[n % 2], {QUEUE: 3}) for n in range(4)),
        )
        won = [claim for claim in claims if claim]
        assert len(won) == 1
        assert ((await bench.step("a")).attempts, (await bench.step("a")).epoch) == (1, 1)

    @scenario
    async def test_steps_are_claimed_by_queue_and_free_slots(self, bench: StateBench) -> None:
        await bench.parked("a1", "a2", "a3", run_id="r1")
        await bench.parked("b1", "b2", run_id="r2", queue=SECOND_QUEUE)
        claims = await bench.other.claim_steps(TWO, {QUEUE: 2, SECOND_QUEUE: 5, "empty": 3})
        assert sorted(claim.step_name for claim in claims) == ["a1", "a2", "b1", "b2"]
        assert await bench.other.claim_steps(TWO, {QUEUE: 0, SECOND_QUEUE: 5}) == []
        assert [claim.step_name for claim in await bench.other.claim_steps(TWO, {QUEUE: 1})] == ["a3"]
        assert await bench.other.claim_steps(TWO, {}) == []

    @scenario
    async def test_claimers_of_many_steps_share_them_without_overlap(self, bench: StateBench) -> None:
        names = [f"s{n}" for n in range(20)]
        await bench.parked(*names)
        batches = await asyncio.gather(
            *(bench.clients[n % 2].claim_steps((ONE, TWO)[n % 2], {QUEUE: 6}) for n in range(6))
        )
        claimed = [claim.step_name for batch in batches for claim in batch]
        assert sorted(claimed) == sorted(names)
        assert all(len(batch) <= 6 for batch in batches)

    @scenario
    async def test_steps_are_claimed_longest_due_first(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("retried")])
        await bench.retry(await bench.claim_step("retried"), due_in=10)
        bench.clock.advance(5)
        await bench.turn(asks=[ask("before")])
        bench.clock.advance(10)
        await bench.turn(asks=[ask("after")])
        claims = [(await bench.other.claim_steps(TWO, {QUEUE: 1}))[0].step_name for _ in range(3)]
        assert claims == ["before", "retried", "after"]

    @scenario
    async def test_a_step_that_has_ended_is_not_claimed_again(self, bench: StateBench) -> None:
        await bench.parked("good", "bad")
        await bench.run_step("good")
        await bench.fail(await bench.claim_step("bad"))
        for name in ("good", "bad", "unknown"):
            assert await bench.other.claim_step(RUN, name, TWO) is None

    # --- due times

    @scenario
    async def test_a_retried_step_is_claimed_when_it_is_due_and_not_before(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.retry(await bench.claim_step("a"), due_in=8)
        due = bench.clock() + 8
        assert await bench.store.next_due([QUEUE]) == due
        bench.clock.advance(7.9)
        assert await bench.other.claim_step(RUN, "a", TWO) is None
        assert await bench.other.claim_steps(TWO, {QUEUE: 5}) == []
        assert await bench.store.next_due(["other", QUEUE]) == due
        bench.clock.advance(0.1)
        assert [claim.attempts for claim in await bench.other.claim_steps(TWO, {QUEUE: 5})] == [2]
        assert await bench.store.next_due([QUEUE]) is None

    @scenario
    async def test_the_next_due_time_is_the_earliest_of_the_given_queues(self, bench: StateBench) -> None:
        await bench.parked("a", run_id="r1")
        await bench.parked("b", run_id="r2", queue=SECOND_QUEUE)
        now = bench.clock()
        await bench.retry(await bench.claim_step("a", run_id="r1"), due_in=3600)
        await bench.retry(await bench.claim_step("b", run_id="r2"), due_in=60)
        assert await bench.store.next_due([QUEUE]) == now + 3600
        assert await bench.store.next_due([QUEUE, SECOND_QUEUE]) == now + 60
        assert await bench.store.next_due([]) is None

    @scenario
    async def test_a_pending_step_without_a_due_time_is_due_now(self, bench: StateBench) -> None:
        await bench.parked("a")
        bench.clock.advance(5)
        due = await bench.store.next_due([QUEUE])
        assert due is not None
        assert due <= bench.clock()

    # --- results

    @scenario
    async def test_a_finished_step_takes_a_number_and_wakes_its_run(self, bench: StateBench) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a")
        bench.clock.advance(2)
        answer = await bench.other.finish_step(claim, TWO, bench.outcome(claim, "42"))
        assert answer == FinishedStep(seq=1, run_owner=None)
        step = await bench.step("a")
        assert (step.status, step.seq, step.output.inline, step.error) == (StepStatus.COMPLETED, 1, "42", None)
        assert (step.attempts, step.finished_at, step.asked_at, step.due_at) == (1, bench.clock(), 0, None)
        assert (await bench.claim()).history is not None

    @scenario
    async def test_a_result_tells_who_drives_the_run(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        claim = await bench.claim_step("a")
        assert await bench.other.finish_step(claim, TWO, bench.outcome(claim)) == FinishedStep(1, ONE)
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None

    @scenario
    async def test_a_final_error_takes_a_number_and_wakes_its_run(self, bench: StateBench) -> None:
        await bench.parked("a")
        error = ErrorInfo("PaymentDeclined", "no funds", "payment_declined", retryable=False, fields="{}")
        assert await bench.fail(await bench.claim_step("a"), error=error) == 1
        step = await bench.step("a")
        assert (step.status, step.seq, step.error) == (StepStatus.FAILED, 1, error)
        await bench.claim()

    @scenario
    async def test_results_before_the_claim_of_their_run_are_all_found(self, bench: StateBench) -> None:
        await bench.parked("a", "b")
        assert [await bench.run_step("a"), await bench.run_step("b")] == [1, 2]
        claim = await bench.claim()
        assert claim.history is not None
        assert claim.history.run.seq == 2
        assert await bench.store.claim_run(RUN, ONE, parked={}) is None

    # --- fences

    @scenario
    async def test_a_step_is_finished_once(self, bench: StateBench) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a")
        await bench.finish(claim)
        await bench.refuses_finish(claim)

    @scenario
    async def test_only_the_holder_of_a_step_may_write_it(self, bench: StateBench) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a")
        await bench.refuses_finish(claim, worker=ONE)
        for epoch in (0, 2):
            await bench.refuses_finish(claim._replace(epoch=epoch))
        await bench.refuses_finish(claim._replace(generation=2))
        assert await bench.finish(claim) == 1

    @scenario
    async def test_a_claim_that_was_given_up_writes_nothing(self, bench: StateBench) -> None:
        await bench.parked("a")
        first = await bench.claim_step("a")
        await bench.retry(first, due_in=0)
        await bench.refuses_finish(first)
        second = await bench.claim_step("a")
        assert second.epoch > first.epoch
        await bench.refuses_finish(first)
        assert await bench.finish(second) == 1

    @scenario
    async def test_a_late_result_of_a_settled_run_is_refused(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        claim = await bench.claim_step("a")
        await bench.turn(exact=True, settle=DONE)
        await bench.refuses_finish(claim)

    # --- giving back

    @scenario
    async def test_a_failed_attempt_counts_and_is_remembered(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.retry(await bench.claim_step("a"), due_in=5)
        step = await bench.step("a")
        assert (step.status, step.attempts, step.error, step.worker) == (StepStatus.PENDING, 1, FAILURE, None)
        assert (step.due_at, step.seq, step.deaths) == (bench.clock() + 5, None, 0)
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None
        bench.clock.advance(5)
        claim = await bench.claim_step("a")
        assert claim.attempts == 2
        await bench.finish(claim)
        step = await bench.step("a")
        assert (step.status, step.attempts, step.error) == (StepStatus.COMPLETED, 2, None)

    @scenario
    async def test_a_released_step_is_pending_at_once_and_untried(self, bench: StateBench) -> None:
        await bench.parked("a")
        first = await bench.claim_step("a")
        await bench.other.release_step(first, TWO)
        step = await bench.step("a")
        assert (step.status, step.attempts, step.deaths, step.worker) == (StepStatus.PENDING, 0, 0, None)
        await bench.refuses_finish(first)
        assert [claim.attempts for claim in await bench.store.claim_steps(ONE, {QUEUE: 1})] == [1]

    @scenario
    async def test_a_step_that_was_asked_to_stop_is_not_tried_again(self, bench: StateBench) -> None:
        names = ["retried", "released"]
        await bench.create()
        await bench.turn(asks=[ask(name) for name in names])
        claims = {name: await bench.claim_step(name) for name in names}
        await bench.turn(cancels=names)
        await bench.retry(claims["retried"], due_in=0)
        await bench.other.release_step(claims["released"], TWO)
        assert [(await bench.step(name)).status for name in names] == [StepStatus.CANCELLED] * 2
        assert await bench.other.claim_steps(TWO, {QUEUE: 5}) == []
        assert await bench.numbers() == []

    @scenario
    async def test_a_refused_step_blocks_its_run_and_is_nobodys_meanwhile(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")])
        refused, held = await bench.claim_step("a"), await bench.claim_step("b")
        await bench.other.refuse_step(refused, TWO, blocked("code-1"))
        run, step = await bench.run(), await bench.step("a")
        assert (run.status, run.owner, run.error) == (RunStatus.BLOCKED, None, blocked().error)
        assert (step.status, step.worker, step.attempts, step.seq) == (StepStatus.PENDING, None, 0, None)
        with pytest.raises(StaleLeaseError):
            await bench.turn(results=[bench.inline("x")])
        await bench.other.refuse_step(held, TWO, blocked("code-1"))
        for late in (refused, held):
            with pytest.raises(StaleLeaseError):
                await bench.other.refuse_step(late, TWO, blocked("code-1"))
        bench.clock.advance(5)
        assert await bench.other.claim_steps(TWO, {QUEUE: 5}) == []
        assert await bench.other.claim_step(RUN, "a", TWO) is None
        assert await bench.other.next_due([QUEUE]) is None
        assert await bench.other.unqueued(0, 10) == []
        assert await bench.store.unblock(WORKFLOW, "code-1") == 0
        assert await bench.store.unblock(WORKFLOW, "code-2") == 1
        assert (await bench.claim()).epoch == 2
        assert sorted(claim.step_name for claim in await bench.other.claim_steps(TWO, {QUEUE: 5})) == ["a", "b"]
        assert await bench.numbers() == []

    @scenario
    async def test_revoked_claims_are_those_that_were_lost_or_cancelled(self, bench: StateBench) -> None:
        names = ["good", "released", "finished", "stopped"]
        await bench.create()
        await bench.turn(asks=[ask(name) for name in names])
        good, released, finished, stopped = [await bench.claim_step(name) for name in names]
        await bench.other.release_step(released, TWO)
        await bench.finish(finished)
        await bench.turn(delivered=1, cancels=["stopped"])
        foreign = good._replace(run_id="none")
        claims = [good, released, finished, stopped, foreign]
        assert await bench.other.revoked(TWO, claims) == [released, finished, stopped, foreign]
        assert await bench.other.revoked(ONE, [good]) == [good]

    @scenario
    async def test_a_worker_finds_the_steps_that_it_holds_and_no_others(self, bench: StateBench) -> None:
        await bench.create()
        waiting = ("pending", "theirs", "stopped", "retried")
        await bench.turn(asks=[ask("born", claimed=True), *map(ask, waiting)])
        claims = {name: await bench.claim_step(name) for name in waiting[1:]}
        await bench.turn(cancels=["stopped"])
        await bench.retry(claims["retried"], due_in=0)
        retried = await bench.other.claim_step(RUN, "retried", ONE)
        assert retried is not None
        born = StepClaim(RUN, WORKFLOW, 1, "born", "mail.send", QUEUE, '{"retries":2}', Envelope("{}"), 1, 1)
        assert sorted(await bench.store.held_steps(ONE)) == [born, retried]
        # One that was asked to stop is held until its worker lets go of it.
        assert sorted(await bench.store.held_steps(TWO)) == [claims["stopped"], claims["theirs"]]
        await bench.finish(claims["theirs"])
        await bench.other.release_step(claims["stopped"], TWO)
        assert await bench.other.held_steps(TWO) == []
        await bench.store.leave(ONE)
        assert await bench.other.held_steps(ONE) == []
        assert await bench.other.held_steps("nobody") == []

    @scenario
    async def test_steps_are_listed_in_the_order_in_which_they_were_asked_for(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("z"), ask("a")])
        await bench.run_step("a")
        await bench.turn(delivered=1, asks=[ask("later", asked_at=1)])
        await bench.turn(delivered=1, results=[bench.inline("inline", asked_at=0)])
        names = [step.step_name for step in await bench.store.list_steps(RUN)]
        assert sorted(names[:3]) == ["a", "inline", "z"]
        assert (names.index("z") < names.index("a"), names[3]) == (True, "later")
