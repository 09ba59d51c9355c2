"""The outbox: every ready run and every pending step is offered to a queue until it is marked, and then again."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

from pyflow_core import naming
from pyflow_core.ports.state import Job
from pyflow_core.testing.contracts.bench import DONE, LEASE_SECONDS, ONE, RUN, TWO, WORKFLOW, StateBench
from pyflow_core.testing.contracts.scenario import scenario

REOFFER_SECONDS = 300.0
QUEUE = naming.step_queue(WORKFLOW, "notify-*")


def _run_job(run_id: str = RUN) -> Job:
    return Job(naming.orchestrator_queue(WORKFLOW), naming.run_task(WORKFLOW), run_id)


def _step_job(step_name: str, not_before: float | None = None) -> Job:
    return Job(QUEUE, naming.step_task(WORKFLOW, "notify-*"), RUN, step_name, not_before)


class OutboxContract:
    """`unqueued` and `mark_queued`."""

    def _pass(self, bench: StateBench, seconds: float) -> None:
        """Let time pass without letting a worker die."""
        while seconds > 0:
            bench.clock.advance(min(seconds, LEASE_SECONDS / 2))
            bench.renew(ONE)
            bench.renew(TWO)
            seconds -= LEASE_SECONDS / 2

    @scenario
    async def test_a_ready_run_is_offered_until_it_is_marked(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        assert await bench.store.unqueued(0, 10) == [_run_job()]
        assert await bench.other.unqueued(0, 10) == [_run_job()]
        await bench.store.mark_queued([_run_job()])
        assert await bench.other.unqueued(0, 10) == []

    @scenario
    async def test_a_pending_step_is_offered_until_it_is_marked(self, bench: StateBench) -> None:
        await bench.parked("notify-1", "notify-2", queue=QUEUE)
        jobs = await bench.store.unqueued(0, 10)
        assert sorted(jobs) == [_step_job("notify-1"), _step_job("notify-2")]
        await bench.store.mark_queued([_step_job("notify-1")])
        assert await bench.store.unqueued(0, 10) == [_step_job("notify-2")]

    @scenario
    async def test_what_is_young_is_left_to_the_ordinary_path(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        bench.clock.advance(4)
        assert await bench.store.unqueued(5, 10) == []
        bench.clock.advance(1)
        assert await bench.store.unqueued(5, 10) == [_run_job()]

    @scenario
    async def test_the_oldest_is_offered_first(self, bench: StateBench) -> None:
        for run_id in ("z", "a", "m"):
            await bench.create(run_id, owner=None)
            bench.clock.advance(1)
        await bench.parked("notify-1", queue=QUEUE)
        bench.clock.advance(1)
        await bench.create("b", owner=None)
        jobs = await bench.store.unqueued(0, 10)
        assert [job.step_name or job.run_id for job in jobs] == ["z", "a", "m", "notify-1", "b"]
        assert [job.run_id for job in await bench.store.unqueued(0, 2)] == ["z", "a"]

    @scenario
    async def test_what_the_queue_may_have_lost_is_offered_again(self, bench: StateBench) -> None:
        await bench.parked("notify-1", queue=QUEUE)
        await bench.create("ready", owner=None)
        jobs = await bench.store.unqueued(0, 10)
        await bench.store.mark_queued(jobs)
        self._pass(bench, REOFFER_SECONDS - 1)
        assert await bench.store.unqueued(0, 10) == []
        self._pass(bench, 2)
        assert sorted(await bench.store.unqueued(0, 10)) == sorted(jobs)
        await bench.store.mark_queued(jobs)
        assert await bench.store.unqueued(0, 10) == []

    @scenario
    async def test_what_was_taken_is_not_offered(self, bench: StateBench) -> None:
        await bench.parked("notify-1", queue=QUEUE)
        await bench.create("ready", owner=None)
        claim = await bench.claim_step("notify-1")
        await bench.claim("ready")
        assert await bench.store.unqueued(0, 10) == []
        await bench.finish(claim)
        assert await bench.store.unqueued(0, 10) == [_run_job()]
        await bench.claim()
        await bench.turn(worker=TWO, epoch=2, delivered=1, exact=True, settle=DONE)
        assert await bench.store.unqueued(0, 10) == []

    @scenario
    async def test_marking_what_was_taken_or_is_unknown_is_harmless(self, bench: StateBench) -> None:
        await bench.parked("notify-1", queue=QUEUE)
        claim = await bench.claim_step("notify-1")
        await bench.store.mark_queued([_step_job("notify-1"), _run_job(), _run_job("none"), _step_job("none")])
        await bench.store.mark_queued([])
        await bench.finish(claim)
        assert await bench.store.unqueued(0, 10) == [_run_job()]

    @scenario
    async def test_work_that_is_free_again_is_offered_again(self, bench: StateBench) -> None:
        await bench.parked("notify-1", queue=QUEUE)
        await bench.store.mark_queued([_step_job("notify-1")])
        claim = await bench.claim_step("notify-1")
        await bench.retry(claim, due_in=60)
        due = bench.clock() + 60
        assert await bench.store.unqueued(0, 10) == [_step_job("notify-1", due)]
        await bench.store.mark_queued([_step_job("notify-1", due)])
        self._pass(bench, 60)
        await bench.other.release_step(await bench.claim_step("notify-1"), TWO)
        assert [job.step_name for job in await bench.store.unqueued(0, 10)] == ["notify-1"]

    @scenario
    async def test_the_work_of_the_dead_is_offered_again(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        await bench.store.mark_queued([_run_job()])
        await bench.claim(worker=TWO)
        await bench.let_die(TWO)
        assert await bench.store.unqueued(0, 10) == [_run_job()]

    @scenario
    async def test_a_run_that_is_woken_anew_is_offered_anew(self, bench: StateBench) -> None:
        await bench.parked("notify-1", "notify-2", queue=QUEUE)
        await bench.run_step("notify-1")
        await bench.store.mark_queued([_run_job()])
        claim = await bench.claim(worker=ONE)
        await bench.turn(epoch=claim.epoch, delivered=1, park=True)
        await bench.run_step("notify-2")
        assert await bench.store.unqueued(0, 10) == [_run_job()]
