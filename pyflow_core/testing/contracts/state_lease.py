"""Leases: what happens to the work of those that leave, and of those that die."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

import pytest

from pyflow_core.errors import StaleLeaseError
from pyflow_core.ports.state import LAST_OWNER_HEAD_START_SECONDS, ParkedRun, StepStatus, WorkerInfo
from pyflow_core.testing.contracts.bench import LEASE_SECONDS, ONE, QUEUE, RUN, TWO, WORKFLOW, StateBench, ask
from pyflow_core.testing.contracts.scenario import scenario

THIRD = "worker-3"


class LeaseContract:
    """`join`, `renew`, `leave`, `reap`, `live_workers`."""

    @scenario
    async def test_a_worker_lives_from_its_joining_to_its_leaving(self, bench: StateBench) -> None:
        info = WorkerInfo(THIRD, LEASE_SECONDS, "elsewhere", 7)
        await bench.store.join(info)
        assert {worker.worker_id for worker in await bench.other.live_workers()} == {ONE, TWO, THIRD}
        assert info in await bench.store.live_workers()
        await bench.store.leave(THIRD)
        assert {worker.worker_id for worker in await bench.other.live_workers()} == {ONE, TWO}
        assert not bench.store.renew(THIRD)
        await bench.store.leave(THIRD)

    @scenario
    async def test_a_lease_that_is_renewed_does_not_expire(self, bench: StateBench) -> None:
        await bench.create()
        for _ in range(4):
            bench.clock.advance(LEASE_SECONDS * 0.9)
            assert bench.renew(ONE)
            assert bench.renew(TWO)
        assert await bench.other.reap() == ()
        assert (await bench.run()).owner == ONE

    @scenario
    async def test_a_lease_may_be_renewed_from_another_thread(self, bench: StateBench) -> None:
        bench.clock.advance(LEASE_SECONDS * 0.9)
        assert await asyncio.to_thread(bench.renew, ONE)
        assert await asyncio.to_thread(bench.renew, TWO)
        bench.clock.advance(LEASE_SECONDS * 0.9)
        assert await bench.other.reap() == ()

    @scenario
    async def test_an_unknown_worker_has_no_lease_to_renew(self, bench: StateBench) -> None:
        assert not bench.store.renew("stranger")

    @scenario
    async def test_a_worker_whose_lease_has_expired_does_not_count_as_alive(self, bench: StateBench) -> None:
        bench.clock.advance(LEASE_SECONDS * 0.9)
        bench.renew(TWO)
        bench.clock.advance(LEASE_SECONDS * 0.2)
        assert [worker.worker_id for worker in await bench.other.live_workers()] == [TWO]

    # --- leaving

    @scenario
    async def test_who_leaves_gives_its_work_back_without_a_death(self, bench: StateBench) -> None:
        await bench.create(owner=TWO)
        await bench.turn(worker=TWO, asks=[ask("a"), ask("b", claimed=True)])
        claim = await bench.claim_step("a")
        await bench.other.leave(TWO)
        run = await bench.run()
        assert (run.owner, run.takeovers) == (None, 0)
        for name in ("a", "b"):
            step = await bench.step(name)
            assert (step.status, step.attempts, step.deaths, step.worker) == (StepStatus.PENDING, 0, 0, None)
        await bench.refuses_finish(claim)
        assert sorted(c.step_name for c in await bench.store.claim_steps(ONE, {QUEUE: 5})) == ["a", "b"]
        claimed = await bench.store.claim_run(RUN, ONE, parked={RUN: ParkedRun(1, 0)})
        assert claimed is not None
        assert claimed.epoch > 1

    @scenario
    async def test_who_has_left_writes_nothing(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        await bench.store.leave(ONE)
        before = await bench.picture()
        with pytest.raises(StaleLeaseError):
            await bench.turn(results=[bench.inline("x")], park=True)
        assert await bench.picture() == before

    # --- dying

    @scenario
    async def test_the_work_of_the_dead_is_free_and_its_deaths_are_counted(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("mine", claimed=True), ask("pending"), ask("theirs")])
        await bench.claim_step("theirs", worker=TWO)
        assert await bench.let_die(ONE) == (ONE,)
        run = await bench.run()
        assert (run.owner, run.takeovers) == (None, 1)
        assert run.epoch > 1
        mine, pending, theirs = [await bench.step(name) for name in ("mine", "pending", "theirs")]
        assert (mine.status, mine.deaths, mine.attempts, mine.worker) == (StepStatus.PENDING, 1, 0, None)
        assert (pending.status, pending.deaths) == (StepStatus.PENDING, 0)
        assert (theirs.status, theirs.deaths, theirs.worker) == (StepStatus.RUNNING, 0, TWO)
        claim = await bench.claim_step("mine")
        assert claim.attempts == 1
        assert claim.epoch > mine.epoch - 1

    @scenario
    async def test_a_dead_workers_cache_is_not_trusted_and_its_run_is_replayed(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.run_step("a")
        await bench.claim(worker=TWO)
        assert await bench.let_die(TWO) == (TWO,)
        claim = await bench.store.claim_run(RUN, ONE, parked={RUN: ParkedRun(1, 0), "x": ParkedRun(2, 0)})
        assert claim is not None
        assert (claim.after, claim.history is not None) == (None, True)
        assert claim.epoch > 3 - 1

    @scenario
    async def test_a_dead_workers_run_is_claimed_by_others(self, bench: StateBench) -> None:
        await bench.create()
        await bench.let_die(ONE)
        bench.clock.advance(LAST_OWNER_HEAD_START_SECONDS * 1.01)
        claims = await bench.other.claim_runs(TWO, [WORKFLOW], 5, parked={})
        assert [claim.run_id for claim in claims] == [RUN]
        assert claims[0].history is not None
        assert claims[0].history.run.takeovers == 1

    @scenario
    async def test_a_reaped_worker_has_lost_its_lease_and_writes_nothing(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b", claimed=True)])
        claim = await bench.claim_step("a", worker=ONE)
        await bench.let_die(ONE)
        before = await bench.picture()
        assert not bench.store.renew(ONE)
        with pytest.raises(StaleLeaseError):
            await bench.turn(results=[bench.inline("x")], asks=[ask("c")], park=True)
        assert await bench.picture() == before
        await bench.refuses_finish(claim, worker=ONE)
        assert await bench.store.revoked(ONE, [claim]) == [claim]
        assert await bench.store.numbers(ONE) == {}
        taken = await bench.claim_step("a")
        await bench.refuses_finish(claim, worker=ONE)
        assert await bench.finish(taken) == 1

    @scenario
    async def test_what_a_reaped_worker_claims_is_not_lost(self, bench: StateBench) -> None:
        await bench.let_die(ONE)
        await bench.store.create_run(bench.new_run("born"), claim_for=ONE)
        await bench.create("ready", owner=None)
        await bench.create("asking", owner=TWO)
        await bench.turn("asking", worker=TWO, asks=[ask("a")])
        await bench.store.claim_run("ready", ONE, parked={})
        await bench.store.claim_step("asking", "a", ONE)
        await bench.other.reap()
        assert (await bench.claim("born")).run_id == "born"
        assert (await bench.claim("ready")).run_id == "ready"
        assert (await bench.claim_step("a", run_id="asking")).step_name == "a"

    @scenario
    async def test_the_dead_may_join_again_under_a_new_name(self, bench: StateBench) -> None:
        await bench.let_die(ONE)
        await bench.join(THIRD)
        await bench.create(owner=THIRD)
        assert (await bench.store.numbers(THIRD), await bench.other.reap()) == ({RUN: 0}, ())

    @scenario
    async def test_a_step_that_was_asked_to_stop_ends_with_its_worker(self, bench: StateBench) -> None:
        await bench.create(owner=TWO)
        await bench.turn(worker=TWO, asks=[ask("a")])
        await bench.claim_step("a", worker=ONE)
        await bench.turn(worker=TWO, cancels=["a"])
        await bench.let_die(ONE)
        assert (await bench.step("a")).status is StepStatus.CANCELLED

    @scenario
    async def test_each_death_is_counted(self, bench: StateBench) -> None:
        await bench.create(owner=TWO)
        await bench.turn(worker=TWO, asks=[ask("a")])
        for death in range(1, 4):
            name = f"mortal-{death}"
            await bench.join(name)
            await bench.claim_step("a", worker=name)
            await bench.let_die(name)
            assert ((await bench.step("a")).deaths, (await bench.step("a")).attempts) == (death, 0)

    @scenario
    async def test_reapers_at_once_count_one_death(self, bench: StateBench) -> None:
        await bench.create(owner=TWO)
        await bench.turn(worker=TWO, asks=[ask("a")])
        await bench.claim_step("a", worker=ONE)
        for _ in range(2):
            bench.clock.advance(LEASE_SECONDS * 0.6)
            bench.renew(TWO)
        reaped = await asyncio.gather(*(client.reap() for client in bench.clients * 3))
        assert [worker for batch in reaped for worker in batch] == [ONE]
        assert (await bench.step("a")).deaths == 1

    # --- takeovers

    @scenario
    async def test_takeovers_count_until_a_number_is_taken(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        for takeover in range(1, 4):
            name = f"mortal-{takeover}"
            await bench.join(name)
            await bench.store.claim_run(RUN, name, parked={})
            await bench.let_die(name)
            assert (await bench.run()).takeovers == takeover
        claim = await bench.claim()
        await bench.turn(worker=TWO, epoch=claim.epoch, asks=[ask("a")])
        assert (await bench.run()).takeovers == 3
        await bench.turn(worker=TWO, epoch=claim.epoch, results=[bench.inline("x")])
        assert (await bench.run()).takeovers == 0

    @scenario
    async def test_a_finished_step_resets_the_takeovers_of_its_run(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a")])
        await bench.let_die(ONE)
        assert (await bench.run()).takeovers == 1
        await bench.run_step("a")
        assert (await bench.run()).takeovers == 0
