"""A worker: claims runs and steps, drives and runs them, keeps its lease, and takes over from the dead.

With a queue of its own store (`queue` is None) it claims from the state; with a queue service it is given jobs, which
are hints, and puts what it wrote on the queue: the row is the outbox, and a relay offers again what was not marked.
"""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import override

from pyflow_core.engine.cache import ExecutionCache
from pyflow_core.engine.driver import RunDriver
from pyflow_core.engine.host import Host, PoolHost
from pyflow_core.engine.lease import Heartbeat
from pyflow_core.engine.step_pool import StepPool
from pyflow_core.errors import PyflowError, StoreError
from pyflow_core.log import LEASE_LOST, STORE_TROUBLE, WORKERS_REAPED, logger
from pyflow_core.naming import orchestrator_queue, run_task, step_task
from pyflow_core.ports.state import Job, RunClaim, WorkerInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from pyflow_core.clock import Clock
    from pyflow_core.engine.outcome import Result
    from pyflow_core.engine.runtime import Runtime
    from pyflow_core.ports.queue import QueueService
    from pyflow_core.ports.state import (
        Activation,
        CreatedRun,
        Envelope,
        Settlement,
        StepClaim,
        WorkflowStateService,
    )

_log = logger("pyflow.worker")

RECOVERY_SECONDS = 0.4
"""How often the dead are looked for, and the outbox: the work of a killed process is taken over within a second."""

HINT_SECONDS = 0.02
"""Hints are acted on at most so often for what only others can have changed."""

RELAY_AFTER_SECONDS = 1.0
RELAY_LIMIT = 500


class Chore(Protocol):
    """What a worker does rarely, beside its work."""

    async def turn(self) -> None:
        """Wait for the next time, and do it."""
        ...


class Worker(Host, PoolHost):
    """One process's part in executing runs.

    `queues` are glob patterns of the queues it works on. `fused` allows results to be fed before they are written.
    `settled` is told of every run that settles here, for callers in the same process, and `left` of every run that
    goes on elsewhere or later. `chores` are done beside. With `replays` every result is written and the run replayed,
    which tests use to see that it makes no difference. With `own_runs_only` it claims nothing but what it created: so a
    client drives the runs of inline workflows.
    """

    def __init__(
        self,
        state: WorkflowStateService,
        runtime: Runtime,
        clock: Clock,
        *,
        queue: QueueService | None = None,
        queues: Sequence[str] = ("*",),
        concurrency: int = 10,
        lease_seconds: float = 30.0,
        drain_seconds: float = 30.0,
        cache_size: int | None = 1000,
        fused: bool = True,
        recovers: bool = True,
        own_runs_only: bool = False,
        replays: bool = False,
        settled: Callable[[str, Settlement], None] | None = None,
        left: Callable[[str], None] | None = None,
        chores: Sequence[Chore] = (),
    ) -> None:
        self.state = state
        self.runtime = runtime
        self.clock = clock
        self.fused = fused
        self.replays = replays
        self._own_runs_only = own_runs_only
        self.worker_id = _new_worker_id()
        self._queue = queue
        self._patterns = tuple(queues)
        self._lease_seconds = lease_seconds
        self._drain_seconds = drain_seconds
        self._active_limit = max(1, cache_size if cache_size is not None else 1_000_000)
        self._recovers = recovers
        self._settled = settled
        self._left = left
        self._chores = chores
        self._cache = ExecutionCache(cache_size)
        self._pool = StepPool(self, queues, concurrency)
        self._drivers: dict[str, RunDriver] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._work = asyncio.Event()
        self._hints = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._heartbeat: Heartbeat | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._closing = False
        self._backlog = False
        self._in_doubt = False
        self._strangers: set[object] = set()
        self._on_close: Callable[[], Awaitable[None]] | None = None
        self._timer: tuple[float, asyncio.Task[None]] | None = None
        self._workflows = [name for name in runtime.registry.workflows if self._works_on(orchestrator_queue(name))]
        self._step_queues = [
            queue
            for name in runtime.registry.workflows
            for queue in runtime.plan(name).queues[1:]
            if self._works_on(queue)
        ]

    # --- life

    async def start(self) -> None:
        """Take a lease and begin.

        Raises:
            MissingServiceError, StoreError
        """
        self.runtime.check()
        await self._join()
        for workflow in self._workflows:
            await self.state.unblock(workflow, self.code_hash(workflow))
        self._unsubscribe = self.state.subscribe(self._hint)
        if self._queue is None and not self._own_runs_only:
            self._loops.append(asyncio.create_task(self._forever(self._dispatch)))
        self._loops.append(asyncio.create_task(self._forever(self._heed_hints)))
        if self._recovers:
            self._loops.append(asyncio.create_task(self._forever(self._recover)))
        for chore in self._chores:
            self._loops.append(asyncio.create_task(self._forever(chore.turn)))
        self._work.set()

    async def serve(self) -> None:
        """Work on the jobs of a queue service until cancelled."""
        if self._queue is None:
            raise AssertionError("a queue in the store is served by the worker itself")
        names = [*(orchestrator_queue(name) for name in self._workflows), *self._step_queues]
        concurrency = self._pool.free_slots(self._step_queues)
        slots = {name: concurrency.get(name, 100) for name in names}
        await self._queue.serve(slots, self.handle)

    async def close(self) -> None:
        """Drain: take nothing new, let steps end for `drain_seconds`, give the rest back, leave."""
        if self._on_close is not None:
            closing, self._on_close = self._on_close, None
            await closing()  # which calls this again, inside the connection that the worker came with
            return
        if self._closing:
            return
        self._closing = True
        for loop in self._loops:
            loop.cancel()
        if self._timer is not None:
            self._timer[1].cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._unsubscribe is not None:
            self._unsubscribe()
        await self._pool.drain(self._drain_seconds)
        for driver in list(self._drivers.values()):
            driver.poke()  # it may not be held any longer, so it parks
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._drain_seconds)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._cache.clear()
        if self._heartbeat is not None:
            self._heartbeat.stop()
            try:
                await self.state.leave(self.worker_id)
            except StoreError as error:
                _log.warning("%s: %s", STORE_TROUBLE, error)
        self.runtime.close()

    async def kill(self) -> None:
        """End as a crash would, for tests: nothing is drained, given back or left, and nothing more is written."""
        self._closing = True
        self.worker_id = f"{self.worker_id}-killed"  # as which every write is refused
        tasks = [*self._loops, *self._tasks]
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in tasks:
            task.cancel()
        self._pool.abandon()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pool.drain(0)
        self._drivers.clear()
        self._cache.clear()
        self.runtime.close()

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Let `close` close the connection that this worker came with."""
        self._on_close = close

    async def _join(self) -> None:
        info = WorkerInfo(self.worker_id, self._lease_seconds, socket.gethostname(), os.getpid())
        await self.state.join(info)
        worker_id = self.worker_id
        self._heartbeat = Heartbeat(
            asyncio.get_running_loop(), lambda: self.state.renew(worker_id), self._lease_seconds, self._lease_lost
        )
        self._heartbeat.start()

    def _lease_lost(self) -> None:
        """Others have taken everything: retire it all and come back as a new worker."""
        if self._closing:
            return
        _log.warning("%s: worker %s lost its lease and starts anew", LEASE_LOST, self.worker_id)
        for task in list(self._tasks):
            task.cancel()
        runs = list(self._drivers)
        self._drivers.clear()  # a task that is cancelled before it began cannot do it
        if self._left is not None:
            for run_id in runs:
                self._left(run_id)
        self._pool.abandon()
        self._cache.clear()
        self.worker_id = _new_worker_id()
        self._spawn(self._rejoin())

    async def _rejoin(self) -> None:
        delay = 0.1
        while True:
            try:
                await self._join()
            except StoreError as error:
                _log.warning("%s: %s", STORE_TROUBLE, error)
                await self.clock.sleep(delay)
                delay = min(delay * 2, 5.0)
            else:
                self._work.set()
                return

    # --- runs

    async def drive_new(self, created: CreatedRun, data: Envelope, tenant: str, actor: str | None) -> None:
        """Drive a run that was created with a claim for this worker."""
        if created.run_id in self._drivers:
            return  # it was taken for a stranger
        definition = self.runtime.registry.workflow(created.workflow)
        driver = RunDriver(self, definition, created.run_id, created.epoch or 1, 1)
        self._begin(driver, partial(driver.begin, data, tenant, actor, created.created_at))

    def has_room(self) -> bool:
        """Whether this worker can take one more run at once."""
        return not self._closing and len(self._drivers) < self._active_limit

    @property
    def busy(self) -> bool:
        """Whether this worker drives a run or executes a step now."""
        return bool(self._drivers or self._pool.claims)

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that it works on."""
        return (*(orchestrator_queue(name) for name in self._workflows), *self._step_queues)

    def works_on(self, workflow: str) -> bool:
        """Whether this worker drives runs of a workflow."""
        return workflow in self._workflows

    def resume(self, claim: RunClaim) -> asyncio.Task[None]:
        """Drive a claimed run."""
        driver = self._cache.take(claim.run_id)
        if driver is None:
            definition = self.runtime.registry.workflow(claim.workflow)
            driver = RunDriver(self, definition, claim.run_id, claim.epoch, claim.generation)
        return self._begin(driver, partial(driver.resume, claim))

    def _begin(self, driver: RunDriver, drive: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        self._drivers[driver.run_id] = driver
        return self._spawn(self._drive(driver, drive))

    async def _drive(self, driver: RunDriver, drive: Callable[[], Awaitable[None]]) -> None:
        try:
            await drive()
        finally:
            if self._drivers.get(driver.run_id) is driver:
                del self._drivers[driver.run_id]
        if driver.settlement is not None:
            if self._settled is not None:
                self._settled(driver.run_id, driver.settlement)
            return
        if driver.resumable:
            self._cache.put(driver)
        else:
            self.doubt()
        if self._left is not None:
            self._left(driver.run_id)

    # --- what drivers and the pool ask for

    @override
    def driver(self, run_id: str) -> RunDriver | None:
        return self._drivers.get(run_id)

    @override
    def code_hash(self, workflow: str) -> str:
        return self.runtime.plan(workflow).code_hash

    @override
    def take_slot(self, queue: str) -> bool:
        return self.fused and self._queue is None and not self._closing and self._pool.take_slot(queue)

    @override
    def release_slot(self, queue: str) -> None:
        self._pool.release_slot(queue)

    @override
    def start_step(self, claim: StepClaim) -> None:
        self._pool.start(claim)

    @override
    def stop_step(self, run_id: str, step_name: str) -> None:
        self._pool.stop(run_id, step_name)

    @override
    def may_hold(self, queues: set[str]) -> bool:
        if self._queue is not None or self._closing or self.replays or len(self._drivers) >= self._active_limit:
            return False
        return any(self._pool.serves(queue) for queue in queues)

    @override
    def finish_elsewhere(self, result: Result) -> None:
        self._pool.finish(result)

    @override
    def slot_freed(self) -> None:
        if self._backlog:
            self._work.set()

    @override
    def run_written(self, driver: RunDriver, activation: Activation) -> None:
        if self._queue is None:
            waiting = [ask for ask in activation.asks if not ask.claimed]
            if waiting and self._own_runs_only:
                for ask in waiting:
                    self._spawn(self._claim_own(driver.run_id, ask.step_name, 0.0))
            elif waiting:
                self._work.set()
            return
        workflow = driver.definition.name
        jobs = [self._step_job(workflow, ask.queue, driver.run_id, ask.step_name) for ask in activation.asks]
        if jobs:
            self._spawn(self._enqueue(jobs))

    @override
    async def step_written(self, claim: StepClaim, run_owner: str | None) -> None:
        if run_owner == self.worker_id:
            driver = self._drivers.get(claim.run_id)
            if driver is not None:
                driver.poke()
        elif run_owner is None and self._queue is not None:
            await self._enqueue([Job(orchestrator_queue(claim.workflow), run_task(claim.workflow), claim.run_id)])
        else:
            self._work.set()

    @override
    async def step_pending(self, claim: StepClaim, due_at: float) -> None:
        if self._own_runs_only:
            self._spawn(self._claim_own(claim.run_id, claim.step_name, due_at))
        elif self._queue is not None:
            await self._enqueue([self._step_job(claim.workflow, claim.queue, claim.run_id, claim.step_name, due_at)])
        else:
            self._wake_at(due_at)

    # --- claiming from the store

    async def _dispatch(self) -> None:
        await self._work.wait()
        self._work.clear()
        room = self._active_limit - len(self._drivers)
        slots = self._pool.free_slots(self._step_queues)
        runs, _steps = await asyncio.gather(self._claim_runs(room), self._claim_steps(slots))
        # Of a queue without a free slot nothing can be claimed, whatever is due there, until a slot is free.
        free = list(self._pool.free_slots(self._step_queues))
        self._backlog = len(free) < len(self._step_queues)
        if free:
            due_at = await self.state.next_due(free)
            if due_at is not None:
                self._wake_at(due_at)
        if runs and len(runs) == room:
            self._work.set()

    async def _claim_runs(self, room: int) -> list[RunClaim]:
        if room <= 0 or not self._workflows:
            return []
        claims = await self.state.claim_runs(self.worker_id, self._workflows, room, parked=self._cache.parked)
        for claim in claims:
            self.resume(claim)
        return claims

    async def _claim_steps(self, slots: dict[str, int]) -> list[StepClaim]:
        if not slots:
            return []
        # Reserved at once: drivers take slots while the claim is under way.
        self._pool.reserve(slots)
        claims: list[StepClaim] = []
        try:
            claims = await self.state.claim_steps(self.worker_id, slots)
        finally:
            unused = dict(slots)
            for claim in claims:
                unused[claim.queue] -= 1
            self._pool.give_back(unused)
        for claim in claims:
            self._start_claimed(claim)
        return claims

    def _start_claimed(self, claim: StepClaim) -> asyncio.Task[None]:
        driver = self._drivers.get(claim.run_id)
        if driver is not None:
            driver.claimed(claim)
        return self._pool.start(claim)

    async def _claim_own(self, run_id: str, step_name: str, due_at: float) -> None:
        """Claim a step of a run of our own when it is due; its queue is not served here."""
        await self.clock.sleep(max(0.0, due_at - self.state.now()))
        claim = await self.state.claim_step(run_id, step_name, self.worker_id)
        if claim is not None:
            self._pool.reserve({claim.queue: 1})
            self._start_claimed(claim)

    # --- jobs of a queue service

    async def handle(self, job: Job) -> None:
        """Claim what a job names and do it to its end; a job whose claim is lost is nothing to do."""
        if self._closing:
            return
        try:
            await self._do_job(job)
        except StoreError:
            self.doubt()
            raise

    async def _do_job(self, job: Job) -> None:
        if job.step_name is None:
            claim = await self.state.claim_run(job.run_id, self.worker_id, parked=self._cache.parked)
            if claim is not None:
                await asyncio.shield(self.resume(claim))
            return
        step = await self.state.claim_step(job.run_id, job.step_name, self.worker_id)
        if step is not None and self._pool.take_slot(step.queue):
            await asyncio.shield(self._start_claimed(step))
        elif step is not None:
            await self.state.release_step(step, self.worker_id)

    async def _enqueue(self, jobs: list[Job]) -> None:
        """Put jobs on the queue and mark them; what fails here the relay offers again."""
        if self._queue is None:
            return
        try:
            await self._queue.enqueue(jobs)
            await self.state.mark_queued(jobs)
        except StoreError as error:
            _log.warning("%s: %s", STORE_TROUBLE, error)

    @staticmethod
    def _step_job(workflow: str, queue: str, run_id: str, step_name: str, due_at: float | None = None) -> Job:
        key = queue.removeprefix(f"workflow-{workflow}-")
        return Job(queue, step_task(workflow, key), run_id, step_name, due_at)

    # --- loops

    def _hint(self) -> None:
        self._work.set()
        self._hints.set()

    async def _heed_hints(self) -> None:
        """Others may have added to runs that are held here, or revoked steps that run here."""
        await self._hints.wait()
        self._hints.clear()
        if self._drivers:
            held = list(self._drivers.items())
            numbers = await self.state.numbers(self.worker_id)
            for run_id, driver in held:
                if run_id not in numbers:
                    driver.lost()
                elif numbers[run_id] > driver.delivered:
                    driver.poke()
        claims = self._pool.claims
        if claims:
            for claim in await self.state.revoked(self.worker_id, claims):
                self._pool.stop(claim.run_id, claim.step_name)
        await self.clock.pause(HINT_SECONDS)

    async def _recover(self) -> None:
        reaped = await self.state.reap()
        if reaped:
            _log.info("%s: took over from %s", WORKERS_REAPED, ", ".join(reaped))
        if self._in_doubt:
            await self._look_for_strangers()
        # Whether or not: hints get lost, and a run that was left to its last owner tells nobody when that is over.
        self._work.set()
        if self._queue is not None:
            jobs = await self.state.unqueued(RELAY_AFTER_SECONDS, RELAY_LIMIT)
            if jobs:
                await self._enqueue(jobs)
        await self.clock.pause(RECOVERY_SECONDS)

    def doubt(self) -> None:
        """A claim was not answered: it may be that the store holds something for this worker that nobody here knows."""
        self._in_doubt = True

    async def _look_for_strangers(self) -> None:
        """Take up the runs, and give back the steps, that the store holds for this worker and nobody here knows.

        Only those that the last look found too: an answer may be on its way.
        """
        known, self._strangers = self._strangers, set()
        for claim in await self.state.held_steps(self.worker_id):
            driver = self._drivers.get(claim.run_id)
            if self._pool.holds(claim) or (driver is not None and driver.holds(claim)):
                continue
            key = (claim.run_id, claim.step_name, claim.epoch)
            if key in known:
                await self.state.release_step(claim, self.worker_id)
            self._strangers.add(key)
        for run_id in await self.state.numbers(self.worker_id):
            if run_id in self._drivers:
                continue
            if run_id in known:
                await self._adopt(run_id)
            self._strangers.add(run_id)
        self._in_doubt = bool(self._strangers)

    async def _adopt(self, run_id: str) -> None:
        history = await self.state.load_run(run_id)
        if history is None or history.run.owner != self.worker_id or run_id in self._drivers:
            return
        run = history.run
        self.resume(RunClaim(run_id, run.workflow, run.epoch, run.generation, None, (), history))

    async def _forever(self, turn: Callable[[], Awaitable[None]]) -> None:
        delay = 0.1
        while True:
            try:
                await turn()
                delay = 0.1
            except PyflowError as error:
                _log.warning("%s: %s", STORE_TROUBLE, error)
                self._in_doubt = True
                await self.clock.sleep(delay)
                delay = min(delay * 2, 5.0)
                self._hint()

    def _wake_at(self, due_at: float) -> None:
        if self._timer is not None:
            if self._timer[0] <= due_at and not self._timer[1].done():
                return
            self._timer[1].cancel()
        self._timer = (due_at, self._spawn(self._wake_later(due_at)))

    async def _wake_later(self, due_at: float) -> None:
        await self.clock.sleep(max(0.0, due_at - self.state.now()))
        self._work.set()

    def _works_on(self, queue: str) -> bool:
        return any(fnmatchcase(queue, pattern) for pattern in self._patterns)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a part of the worker failed: %s", error, exc_info=error)


def _new_worker_id() -> str:
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
