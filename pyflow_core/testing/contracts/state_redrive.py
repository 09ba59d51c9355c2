"""Re-drives: what is tried again, what is archived, what stays, and what the old generation may still write."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

from pyflow_core.ports.state import (
    OMITTED,
    ParkedRun,
    Redriven,
    RedrivePlan,
    RunStatus,
    StepStatus,
)
from pyflow_core.testing.contracts.bench import (
    DONE,
    FAILURE,
    ONE,
    QUEUE,
    RUN,
    TWO,
    StateBench,
    ask,
    blocked,
    cancelled,
    failed,
)
from pyflow_core.testing.contracts.scenario import scenario


class RedriveContract:
    """`plan_redrive` and `redrive`."""

    @scenario
    async def test_a_failed_step_is_tried_again_from_the_results_before_it(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("pay")], results=[bench.inline("load", "1")])
        await bench.retry(await bench.claim_step("pay"), due_in=0)
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(delivered=2, exact=True, settle=failed("pay"))

        assert await bench.other.plan_redrive(RUN) == RedrivePlan("pay", (), ())
        assert await bench.other.redrive(RUN) == Redriven(2, "pay", ())

        run = await bench.run()
        assert (run.generation, run.seq, run.error, run.output, run.finished_at) == (2, 1, None, OMITTED, None)
        assert (run.owner, run.takeovers) == (None, 0)
        assert not run.status.settled
        step = await bench.step("pay")
        assert (step.status, step.seq, step.error, step.output) == (StepStatus.PENDING, None, None, OMITTED)
        assert (step.attempts, step.deaths, step.worker, step.due_at) == (0, 0, None, None)
        assert await bench.numbers() == [1]
        claim = await bench.claim()
        assert (claim.generation, claim.after, claim.history is not None) == (2, None, True)
        again = await bench.claim_step("pay")
        assert (again.generation, again.attempts) == (2, 1)
        assert await bench.finish(again) == 2
        assert await bench.numbers() == [1, 2]

    @scenario
    async def test_compensations_go_to_the_archive_and_may_be_asked_for_anew(self, bench: StateBench) -> None:
        await self._fail_and_compensate(bench)
        plan = await bench.other.plan_redrive(RUN)
        assert plan == RedrivePlan("pay", ("refund", "notify"), ("refund",))
        before = await bench.picture()
        assert await bench.other.plan_redrive(RUN) == plan
        assert await bench.picture() == before

        assert await bench.other.redrive(RUN) == Redriven(2, "pay", ("refund", "notify"))
        assert [step.step_name for step in await bench.store.list_steps(RUN)] == ["reserve", "pay"]
        assert await bench.store.get_step_state(RUN, "refund") is None
        assert await bench.numbers() == [1]

        claim = await bench.claim()
        await bench.turn(worker=TWO, epoch=claim.epoch, delivered=1, asks=[ask("refund", asked_at=1)])
        fresh = await bench.step("refund")
        assert (fresh.status, fresh.attempts, fresh.seq) == (StepStatus.PENDING, 0, None)
        assert await bench.run_step("refund") == 2

    async def _fail_and_compensate(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("reserve")])
        await bench.run_step("reserve")
        await bench.turn(delivered=1, asks=[ask("pay", asked_at=1)])
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(delivered=2, asks=[ask("refund", asked_at=2), ask("notify", asked_at=2)])
        await bench.run_step("refund")
        await bench.turn(delivered=3, exact=True, settle=failed("pay"))

    @scenario
    async def test_the_holder_of_an_archived_step_writes_nothing_into_its_namesake(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("pay")])
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(delivered=1, asks=[ask("refund", asked_at=1)])
        old = await bench.claim_step("refund")
        await bench.turn(delivered=1, exact=True, settle=failed("pay"))
        await bench.other.redrive(RUN)
        await bench.refuses_finish(old)
        claim = await bench.claim()
        await bench.turn(worker=TWO, epoch=claim.epoch, asks=[ask("refund")])
        await bench.refuses_finish(old)
        new = await bench.claim_step("refund")
        await bench.refuses_finish(old)
        assert await bench.other.revoked(TWO, [old, new]) == [old]
        assert await bench.finish(new) == 1

    @scenario
    async def test_the_holder_of_a_step_that_is_tried_again_writes_nothing(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("pay"), ask("ship")])
        old = await bench.claim_step("ship")
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(delivered=1, exact=True, settle=failed("pay"))
        await bench.other.redrive(RUN)
        await bench.refuses_finish(old)
        new = await bench.claim_step("ship")
        await bench.refuses_finish(old)
        assert (new.attempts, new.generation) == (1, 2)
        assert await bench.finish(new) == 1

    @scenario
    async def test_parallel_branches_cancelled_by_a_failure_are_pending_again(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("pay"), ask("dropped"), ask("open"), ask("kept")])
        await bench.fail(await bench.claim_step("pay"))
        assert await bench.run_step("kept", "8") == 2
        await bench.turn(delivered=2, exact=True, cancels=["dropped"], settle=failed("pay"))
        assert (await bench.step("dropped")).status is StepStatus.CANCELLED

        assert await bench.other.redrive(RUN) == Redriven(2, "pay", ())
        statuses = {step.step_name: step.status for step in await bench.store.list_steps(RUN)}
        assert statuses.pop("kept") is StepStatus.COMPLETED
        assert statuses == dict.fromkeys(["pay", "dropped", "open"], StepStatus.PENDING)
        assert ((await bench.step("kept")).seq, (await bench.step("kept")).output.inline) == (2, "8")
        claims = await bench.other.claim_steps(TWO, {QUEUE: 9})
        assert sorted(claim.step_name for claim in claims) == ["dropped", "open", "pay"]
        numbers = [await bench.finish(claim) for claim in claims]
        assert numbers == [3, 4, 5]
        assert await bench.numbers() == [2, 3, 4, 5]

    @scenario
    async def test_a_branch_cancelled_before_the_failure_stays_cancelled(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("fast"), ask("slow")])
        await bench.run_step("fast")
        await bench.turn(delivered=1, cancels=["slow"], asks=[ask("pay", asked_at=1)])
        bench.clock.advance(1)
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(delivered=2, exact=True, settle=failed("pay"))
        await bench.other.redrive(RUN)
        assert (await bench.step("slow")).status is StepStatus.CANCELLED
        assert (await bench.step("pay")).status is StepStatus.PENDING

    @scenario
    async def test_a_failure_that_came_after_the_one_that_ended_the_run_is_tried_again_too(
        self, bench: StateBench
    ) -> None:
        await bench.create()
        await bench.turn(asks=[ask("pay"), ask("ship")])
        await bench.fail(await bench.claim_step("pay"))
        await bench.fail(await bench.claim_step("ship"))
        await bench.turn(delivered=2, exact=True, settle=failed("pay"))
        assert await bench.other.redrive(RUN) == Redriven(2, "pay", ())
        assert {step.status for step in await bench.store.list_steps(RUN)} == {StepStatus.PENDING}
        assert ((await bench.run()).seq, await bench.numbers()) == (0, [])

    @scenario
    async def test_a_failure_that_the_workflow_had_caught_stays(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("optional")])
        await bench.fail(await bench.claim_step("optional"))
        await bench.turn(delivered=1, asks=[ask("pay", asked_at=1)])
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(delivered=2, exact=True, settle=failed("pay"))
        assert await bench.other.redrive(RUN) == Redriven(2, "pay", ())
        step = await bench.step("optional")
        assert (step.status, step.seq, step.error) == (StepStatus.FAILED, 1, FAILURE)

    @scenario
    async def test_a_failed_inline_step_is_left_to_the_orchestrator(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(results=[bench.inline("x"), bench.inline("y", error=FAILURE, attempts=3)])
        await bench.turn(delivered=2, exact=True, settle=failed("y"))
        assert await bench.other.redrive(RUN) == Redriven(2, "y", ())
        step = await bench.step("y")
        assert (step.status, step.attempts, step.seq) == (StepStatus.PENDING, 0, None)
        assert await bench.other.claim_step(RUN, "y", TWO) is None
        claim = await bench.claim()
        committed = await bench.turn(worker=TWO, epoch=claim.epoch, delivered=1, results=[bench.inline("y", "1")])
        assert committed.seq == 2
        assert (await bench.step("y")).output.inline == "1"

    @scenario
    async def test_a_function_that_failed_by_itself_is_replayed_over_all_its_results(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("open")])
        await bench.run_step("a")
        await bench.turn(delivered=1, exact=True, settle=failed(None))
        assert await bench.other.plan_redrive(RUN) == RedrivePlan(None, (), ())
        assert await bench.other.redrive(RUN) == Redriven(2, None, ())
        assert ((await bench.step("a")).status, (await bench.step("a")).seq) == (StepStatus.COMPLETED, 1)
        assert (await bench.step("open")).status is StepStatus.PENDING
        assert (await bench.claim()).generation == 2
        assert await bench.numbers() == [1]

    @scenario
    async def test_a_cancelled_run_is_opened_without_its_cancel_request(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("done"), ask("open")])
        await bench.run_step("done")
        await bench.other.request_cancel(RUN)
        await bench.turn(delivered=2, cancels=["open"], asks=[ask("cleanup", asked_at=2)])
        await bench.run_step("cleanup")
        await bench.turn(delivered=3, exact=True, settle=cancelled())
        assert await bench.other.plan_redrive(RUN) == RedrivePlan(None, ("cleanup",), ("cleanup",))
        assert await bench.other.redrive(RUN) == Redriven(2, None, ("cleanup",))
        history = await bench.history()
        assert (history.entries, history.run.generation) == ((), 2)
        assert {step.step_name: step.status for step in history.steps} == {
            "done": StepStatus.COMPLETED,
            "open": StepStatus.PENDING,
        }
        assert await bench.numbers() == [1]
        await bench.other.request_cancel(RUN)
        assert await bench.numbers() == [1, 2]

    @scenario
    async def test_a_cancel_request_from_before_the_failure_stays(self, bench: StateBench) -> None:
        await bench.create()
        await bench.other.request_cancel(RUN)
        await bench.turn(delivered=1, asks=[ask("undo", asked_at=1)])
        await bench.fail(await bench.claim_step("undo"))
        await bench.turn(delivered=2, exact=True, settle=failed("undo"))
        assert await bench.other.redrive(RUN) == Redriven(2, "undo", ())
        assert [entry.seq for entry in (await bench.history()).entries] == [1]
        assert await bench.numbers() == [1]

    @scenario
    async def test_a_blocked_run_is_made_ready_in_its_generation(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")], results=[bench.inline("x")])
        await bench.turn(delivered=1, exact=True, settle=blocked())
        assert await bench.other.plan_redrive(RUN) == RedrivePlan(None, (), ())
        assert await bench.other.redrive(RUN) == Redriven(1, None, ())
        claim = await bench.claim()
        assert (claim.generation, claim.history is not None) == (1, True)
        assert (await bench.run()).error is None
        assert (await bench.step("a")).status is StepStatus.PENDING
        assert await bench.numbers() == [1]

    @scenario
    async def test_there_is_nothing_to_redrive_in_other_runs(self, bench: StateBench) -> None:
        await bench.create("running")
        await bench.create("ready", owner=None)
        await bench.parked("a", run_id="waiting")
        await bench.create("done")
        await bench.turn("done", exact=True, settle=DONE)
        for run_id in ("running", "ready", "waiting", "done"):
            before = await bench.picture(run_id)
            assert await bench.other.plan_redrive(run_id) is None
            assert await bench.other.redrive(run_id) is None
            assert await bench.picture(run_id) == before

    @scenario
    async def test_of_many_that_redrive_a_run_at_once_one_does(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=failed())
        answers = await asyncio.gather(*(client.redrive(RUN) for client in bench.clients * 3))
        assert [answer for answer in answers if answer] == [Redriven(2, None, ())]

    @scenario
    async def test_a_redriven_run_may_fail_and_be_redriven_again(self, bench: StateBench) -> None:
        await self._fail_and_compensate(bench)
        await bench.other.redrive(RUN)
        claim = await bench.claim(worker=ONE)
        await bench.fail(await bench.claim_step("pay"))
        await bench.turn(epoch=claim.epoch, delivered=2, asks=[ask("refund", asked_at=2)])
        await bench.run_step("refund")
        await bench.turn(epoch=claim.epoch, delivered=3, exact=True, settle=failed("pay"))
        assert await bench.other.redrive(RUN) == Redriven(3, "pay", ("refund",))
        assert await bench.numbers() == [1]
        await bench.run_step("pay")
        claim = await bench.claim(worker=ONE)
        await bench.turn(epoch=claim.epoch, delivered=2, exact=True, settle=DONE)
        assert ((await bench.run()).status, (await bench.run()).generation) == (RunStatus.COMPLETED, 3)

    @scenario
    async def test_nothing_that_was_kept_of_the_old_generation_is_trusted(self, bench: StateBench) -> None:
        await bench.parked("pay")
        await bench.fail(await bench.claim_step("pay"))
        claim = await bench.claim(worker=ONE, parked={RUN: ParkedRun(1, 0)})
        await bench.turn(epoch=claim.epoch, delivered=1, exact=True, settle=failed("pay"))
        await bench.other.redrive(RUN)
        again = await bench.claim(worker=ONE, parked={RUN: ParkedRun(1, 0)})
        assert (again.after, again.history is not None) == (None, True)
        assert again.epoch > claim.epoch
