"""Activations: what one turn writes, that it writes all or nothing, and when it may park."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

import pytest

from pyflow_core.errors import OvertakenError, StaleLeaseError
from pyflow_core.ports.state import (
    OMITTED,
    Committed,
    EntryType,
    Envelope,
    RunStatus,
    StepForm,
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
    failed,
)
from pyflow_core.testing.contracts.scenario import scenario


class ActivationContract:
    """`commit`."""

    # --- numbers

    @scenario
    async def test_numbers_of_a_run_have_no_gaps_whoever_takes_them(self, bench: StateBench) -> None:
        await bench.create()
        assert (await bench.turn(asks=[ask("a"), ask("b")], results=[bench.inline("x"), bench.inline("y")])).seq == 2
        assert await bench.run_step("b") == 3
        await bench.other.request_cancel(RUN)
        assert await bench.run_step("a") == 5
        assert (await bench.turn(delivered=5, results=[bench.inline("z")])).seq == 6
        assert await bench.numbers() == [1, 2, 3, 4, 5, 6]
        order = [n.entry.type if n.entry else n.step and n.step.step_name for n in await bench.store.load_after(RUN, 0)]
        assert order == ["x", "y", "b", EntryType.CANCEL, "a", "z"]

    @scenario
    async def test_results_that_come_at_once_take_different_numbers(self, bench: StateBench) -> None:
        names = [f"s{n}" for n in range(12)]
        await bench.parked(*names)
        claims = [await bench.claim_step(name) for name in names]
        answers = await asyncio.gather(
            *(bench.clients[n % 2].finish_step(claim, TWO, bench.outcome(claim)) for n, claim in enumerate(claims)),
        )
        assert sorted(answer.seq for answer in answers) == list(range(1, 13))
        assert await bench.numbers() == list(range(1, 13))

    @scenario
    async def test_a_failed_attempt_takes_no_number(self, bench: StateBench) -> None:
        await bench.create()
        assert (await bench.turn(asks=[ask("a")], retries=[bench.inline_retry("x")])).seq == 0
        await bench.retry(await bench.claim_step("a"))
        assert await bench.numbers() == []

    # --- what is written

    @scenario
    async def test_an_asked_step_is_pending_and_can_be_claimed(self, bench: StateBench) -> None:
        await bench.create()
        given = ask("a", asked_at=0)._replace(description="Send it", input=Envelope(inline="1", context="c"))
        await bench.turn(asks=[given])
        step = await bench.step("a")
        assert (step.run_id, step.step_name, step.form, step.rpc_name) == (RUN, "a", StepForm.RPC, "mail.send")
        assert (step.queue, step.description, step.options) == (QUEUE, "Send it", '{"retries":2}')
        assert (step.input, step.input_sha256, step.output, step.error) == (given.input, "0" * 64, OMITTED, None)
        assert (step.status, step.asked_at, step.seq) == (StepStatus.PENDING, 0, None)
        assert (step.attempts, step.deaths, step.worker, step.epoch) == (0, 0, None, 0)
        assert (step.cancel_requested, step.scheduled_at) == (False, bench.clock())
        assert (step.started_at, step.finished_at) == (None, None)

    @scenario
    async def test_a_step_may_be_born_claimed_by_the_worker_of_its_activation(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a", claimed=True)])
        step = await bench.step("a")
        assert (step.status, step.worker, step.epoch, step.attempts) == (StepStatus.RUNNING, ONE, 1, 1)
        assert step.started_at == bench.clock()
        assert await bench.other.claim_step(RUN, "a", TWO) is None
        assert await bench.other.claim_steps(TWO, {QUEUE: 5}) == []

    @scenario
    async def test_the_result_of_a_held_step_may_come_with_an_activation(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a", claimed=True)])
        result = bench.inline("a", "7")._replace(form=StepForm.RPC, epoch=1)
        assert await bench.turn(results=[result], exact=True, asks=[ask("b", asked_at=1)]) == Committed(1, parked=False)
        step = await bench.step("a")
        assert (step.status, step.seq, step.output.inline, step.form) == (StepStatus.COMPLETED, 1, "7", StepForm.RPC)
        assert (step.input.inline, step.asked_at, step.worker) == ("{}", 0, ONE)

    @scenario
    async def test_an_inline_result_writes_its_step(self, bench: StateBench) -> None:
        await bench.create()
        started = bench.clock()
        bench.clock.advance(2)
        result = bench.inline("x", "5", asked_at=0, attempts=3)._replace(started_at=started, options="{}")
        bench.clock.advance(1)
        await bench.turn(results=[result])
        step = await bench.step("x")
        assert (step.form, step.rpc_name, step.queue, step.input) == (StepForm.INLINE, None, None, OMITTED)
        assert (step.status, step.seq, step.attempts) == (StepStatus.COMPLETED, 1, 3)
        assert (step.output.inline, step.description, step.options) == ("5", "inline", "{}")
        assert (step.started_at, step.finished_at) == (started, result.finished_at)

    @scenario
    async def test_a_result_keeps_the_time_that_it_brings(self, bench: StateBench) -> None:
        await bench.parked("a")
        claim = await bench.claim_step("a")
        result = bench.outcome(claim)
        bench.clock.advance(9)
        await bench.other.finish_step(claim, TWO, result)
        assert (await bench.step("a")).finished_at == result.finished_at

    @scenario
    async def test_a_retried_inline_step_is_nobodys_to_claim_and_is_replaced_by_its_result(
        self, bench: StateBench
    ) -> None:
        await bench.create()
        retry = bench.inline_retry("x", attempts=1)
        await bench.turn(retries=[retry])
        step = await bench.step("x")
        assert (step.status, step.form, step.attempts) == (StepStatus.PENDING, StepForm.INLINE, 1)
        assert (step.error, step.due_at, step.seq) == (FAILURE, retry.due_at, None)
        bench.clock.advance(60)
        bench.renew(ONE)
        bench.renew(TWO)
        assert await bench.other.claim_step(RUN, "x", TWO) is None
        assert await bench.other.unqueued(0, 10) == []
        await bench.turn(retries=[bench.inline_retry("x", attempts=2)])
        assert (await bench.step("x")).attempts == 2
        await bench.turn(results=[bench.inline("x", "1", attempts=3)])
        step = await bench.step("x")
        assert (step.status, step.seq, step.attempts, step.error) == (StepStatus.COMPLETED, 1, 3, None)
        assert len(await bench.store.list_steps(RUN)) == 1

    @scenario
    async def test_a_finished_step_is_not_retried_inline(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(results=[bench.inline("x", "1")], asks=[ask("rpc")])
        before = await bench.picture()
        for name in ("x", "rpc"):
            with pytest.raises(StaleLeaseError):
                await bench.turn(delivered=1, asks=[ask("more")], retries=[bench.inline_retry(name, attempts=2)])
        assert await bench.picture() == before

    @scenario
    async def test_the_parts_of_a_turn_are_written_together(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("old")])
        committed = await bench.turn(
            results=[bench.inline("x"), bench.inline("y")],
            retries=[bench.inline_retry("z")],
            asks=[ask("new", asked_at=2), ask("mine", asked_at=2, claimed=True)],
            cancels=["old", "new"],
            exact=True,
            park=True,
        )
        assert committed == Committed(seq=2, parked=True)
        statuses = {step.step_name: step.status for step in await bench.store.list_steps(RUN)}
        assert statuses == {
            "old": StepStatus.CANCELLED,
            "x": StepStatus.COMPLETED,
            "y": StepStatus.COMPLETED,
            "z": StepStatus.PENDING,
            "new": StepStatus.CANCELLED,
            "mine": StepStatus.RUNNING,
        }

    # --- fences

    @pytest.mark.parametrize(("epoch", "worker"), [(0, ONE), (2, ONE), (1, TWO), (1, "stranger"), (2, TWO)], ids=str)
    @scenario
    async def test_a_turn_under_a_stale_lease_writes_nothing(self, bench: StateBench, epoch: int, worker: str) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")])
        before = await bench.picture()
        with pytest.raises(StaleLeaseError):
            await bench.turn(
                epoch=epoch,
                worker=worker,
                results=[bench.inline("x")],
                retries=[bench.inline_retry("y")],
                asks=[ask("c")],
                cancels=["a"],
                settle=DONE,
            )
        assert await bench.picture() == before
        assert await bench.store.unqueued(0, 10) == await bench.store.unqueued(0, 2)

    @scenario
    async def test_a_turn_of_an_unknown_run_is_stale(self, bench: StateBench) -> None:
        with pytest.raises(StaleLeaseError):
            await bench.turn("none", results=[bench.inline("x")])
        assert await bench.store.get_step_state("none", "x") is None

    @scenario
    async def test_a_former_owner_writes_nothing(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.run_step("a")
        claim = await bench.claim()
        before = await bench.picture()
        for worker, epoch in ((ONE, 1), (ONE, claim.epoch), (TWO, 1)):
            with pytest.raises(StaleLeaseError):
                await bench.turn(worker=worker, epoch=epoch, delivered=1, exact=True, settle=DONE)
        assert await bench.picture() == before

    @scenario
    async def test_a_parked_run_takes_no_turn_before_it_is_claimed(self, bench: StateBench) -> None:
        await bench.parked("a")
        before = await bench.picture()
        with pytest.raises(StaleLeaseError):
            await bench.turn(asks=[ask("b")])
        assert await bench.picture() == before

    @scenario
    async def test_a_stale_step_result_makes_the_whole_turn_stale(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("mine", claimed=True), ask("theirs"), ask("pending")])
        await bench.claim_step("theirs")
        before = await bench.picture()
        for name, epoch in (("mine", 2), ("mine", 0), ("theirs", 1), ("pending", 0), ("unknown", 1)):
            stale = bench.inline(name)._replace(form=StepForm.RPC, epoch=epoch)
            with pytest.raises(StaleLeaseError):
                await bench.turn(results=[bench.inline("x"), stale], asks=[ask("more")], cancels=["pending"])
            assert await bench.picture() == before

    # --- exact turns

    @scenario
    async def test_an_exact_turn_that_was_overtaken_writes_nothing_and_keeps_the_run(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b", claimed=True)])
        await bench.run_step("a")
        before = await bench.picture()
        result = bench.inline("b")._replace(form=StepForm.RPC, epoch=1)
        with pytest.raises(OvertakenError):
            await bench.turn(exact=True, results=[result], asks=[ask("c", asked_at=1)], cancels=["a"], settle=DONE)
        assert await bench.picture() == before
        assert await bench.turn(delivered=1, exact=True, results=[result], settle=DONE) == Committed(2, parked=False)

    @scenario
    async def test_a_cancel_request_overtakes_an_exact_settlement(self, bench: StateBench) -> None:
        await bench.create()
        await bench.other.request_cancel(RUN)
        with pytest.raises(OvertakenError):
            await bench.turn(exact=True, settle=DONE)
        assert (await bench.run()).status is RunStatus.RUNNING

    @scenario
    async def test_a_plain_turn_goes_on_after_what_came_between(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        await bench.run_step("a")
        assert await bench.turn(results=[bench.inline("x")]) == Committed(seq=2, parked=False)

    # --- parking

    @scenario
    async def test_a_run_parks_when_nothing_has_arrived(self, bench: StateBench) -> None:
        await bench.create()
        assert await bench.turn(asks=[ask("a")], park=True) == Committed(seq=0, parked=True)
        run = await bench.run()
        assert (run.owner, run.status, run.epoch) == (None, RunStatus.WAITING, 1)
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None
        assert await bench.store.numbers(ONE) == {}

    @scenario
    async def test_a_run_does_not_park_over_what_it_was_not_fed(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        await bench.run_step("a")
        assert await bench.turn(asks=[ask("b")], park=True) == Committed(seq=1, parked=False)
        assert ((await bench.run()).owner, await bench.store.numbers(ONE)) == (ONE, {RUN: 1})
        assert (await bench.step("b")).status is StepStatus.PENDING
        assert await bench.turn(delivered=1, park=True) == Committed(seq=1, parked=True)

    @scenario
    async def test_a_run_does_not_park_over_a_cancel_request(self, bench: StateBench) -> None:
        await bench.create()
        await bench.other.request_cancel(RUN)
        assert await bench.turn(park=True) == Committed(seq=1, parked=False)

    @scenario
    async def test_results_that_were_fed_before_their_commit_do_not_hinder_parking(self, bench: StateBench) -> None:
        await bench.create()
        committed = await bench.turn(exact=True, results=[bench.inline("x"), bench.inline("y")], park=True)
        assert committed == Committed(seq=2, parked=True)

    @scenario
    async def test_results_that_are_still_to_be_fed_hinder_parking(self, bench: StateBench) -> None:
        await bench.create()
        assert await bench.turn(results=[bench.inline("x")], park=True) == Committed(seq=1, parked=False)
        assert (await bench.run()).owner == ONE

    # --- cancelling steps

    @scenario
    async def test_a_cancelled_pending_step_never_runs(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        await bench.turn(cancels=["a", "unknown"])
        step = await bench.step("a")
        assert (step.status, step.seq, step.finished_at) == (StepStatus.CANCELLED, None, bench.clock())
        assert await bench.other.claim_step(RUN, "a", TWO) is None
        assert await bench.other.claim_steps(TWO, {QUEUE: 5}) == []
        assert (await bench.other.next_due([QUEUE]), await bench.other.unqueued(0, 10)) == (None, [])

    @scenario
    async def test_a_cancelled_running_step_is_asked_to_stop_and_its_result_is_kept(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")])
        claims = [await bench.claim_step("a"), await bench.claim_step("b")]
        await bench.turn(cancels=["a"])
        step = await bench.step("a")
        assert (step.status, step.cancel_requested, step.seq) == (StepStatus.RUNNING, True, None)
        assert await bench.other.revoked(TWO, claims) == claims[:1]
        assert await bench.finish(claims[0], "9") == 1
        assert ((await bench.step("a")).status, (await bench.step("a")).output.inline) == (StepStatus.COMPLETED, "9")

    @scenario
    async def test_a_finished_step_cannot_be_cancelled(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        await bench.run_step("a", "3")
        before = await bench.step("a")
        await bench.turn(delivered=1, cancels=["a"])
        assert await bench.step("a") == before

    # --- settling

    @scenario
    async def test_a_settled_run_has_its_outcome_and_no_owner(self, bench: StateBench) -> None:
        await bench.create()
        bench.clock.advance(3)
        assert await bench.turn(exact=True, settle=DONE, park=True) == Committed(seq=0, parked=False)
        run = await bench.run()
        assert (run.status, run.output, run.error, run.owner) == (RunStatus.COMPLETED, DONE.output, None, None)
        assert (run.finished_at, run.updated_at, run.created_at) == (bench.clock(), bench.clock(), bench.clock() - 3)
        assert (await bench.store.settled([RUN, "other"])) == {RUN: run}
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None
        assert await bench.store.numbers(ONE) == {}

    @scenario
    async def test_settling_cancels_the_steps_that_are_open(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("pending"), ask("running"), ask("done")], retries=[bench.inline_retry("inline")])
        running = await bench.claim_step("running")
        await bench.run_step("done")
        await bench.turn(delivered=1, exact=True, settle=failed())
        statuses = {step.step_name: step.status for step in await bench.store.list_steps(RUN)}
        assert statuses.pop("done") is StepStatus.COMPLETED
        assert set(statuses.values()) == {StepStatus.CANCELLED}
        assert await bench.other.claim_steps(TWO, {QUEUE: 5}) == []
        assert (await bench.other.next_due([QUEUE]), await bench.other.unqueued(0, 10)) == (None, [])
        assert await bench.other.revoked(TWO, [running]) == [running]
        await bench.refuses_finish(running)
        assert await bench.numbers() == [1]

    @scenario
    async def test_a_settled_run_takes_no_further_turn(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=DONE)
        before = await bench.picture()
        with pytest.raises(StaleLeaseError):
            await bench.turn(exact=True, settle=failed())
        with pytest.raises(StaleLeaseError):
            await bench.turn(results=[bench.inline("x")])
        assert await bench.picture() == before

    # --- blocking

    @scenario
    async def test_a_blocked_run_waits_with_its_steps_as_they_are(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("running"), ask("pending")])
        running = await bench.claim_step("running")
        await bench.turn(exact=True, settle=blocked())
        run = await bench.run()
        assert (run.status, run.error, run.owner, run.finished_at) == (RunStatus.BLOCKED, blocked().error, None, None)
        assert await bench.store.settled([RUN]) == {RUN: run}
        assert await bench.finish(running) == 1
        assert (await bench.step("pending")).status is StepStatus.PENDING
        assert (await bench.run()).status is RunStatus.BLOCKED
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None
        assert RUN not in [job.run_id for job in await bench.other.unqueued(0, 10) if job.step_name is None]

    @scenario
    async def test_other_code_unblocks_a_run_and_the_same_code_does_not(self, bench: StateBench) -> None:
        for run_id, code in (("r1", "code-1"), ("r2", "code-2"), ("r3", "code-1")):
            await bench.create(run_id)
            await bench.turn(run_id, exact=True, settle=blocked(code))
        await bench.create("elsewhere", workflow="another")
        await bench.turn("elsewhere", exact=True, settle=blocked("code-1"))
        assert await bench.other.unblock("onboarding", "code-2") == 2
        assert await bench.other.unblock("onboarding", "code-2") == 0
        statuses = {run_id: (await bench.run(run_id)).status for run_id in ("r1", "r2", "r3", "elsewhere")}
        assert (statuses["r2"], statuses["elsewhere"]) == (RunStatus.BLOCKED, RunStatus.BLOCKED)
        claim = await bench.claim("r1")
        assert (claim.generation, claim.history is not None, (await bench.run("r1")).error) == (1, True, None)
        assert await bench.other.claim_run("r2", TWO, parked={}) is None
        assert await bench.other.claim_run("r3", TWO, parked={}) is not None
