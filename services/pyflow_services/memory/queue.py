"""The queue port in memory: for tests. Delivers later, possibly twice; nothing outlives the object."""

from __future__ import annotations

import asyncio
import heapq
import json
import threading
import time
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from pyflow_core.log import logger
from pyflow_core.ports.queue import JobHandler, QueueService
from pyflow_core.ports.state import Job
from pyflow_services.memory.hint import Hints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

_LOGGER = logger(__name__)


class MemoryQueueService(QueueService):
    """Keeps jobs as JSON text, as a real queue would, so that what cannot be written fails here too.

    `clock` and `sleep` may be virtual; `sleep` is awaited until a job's `not_before` has come. With `copies=2` each
    job is delivered twice, which every consumer must bear.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        copies: int = 1,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._copies = copies
        self._order = count()
        self._lock = threading.Lock()
        self._waiting: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
        self._arrivals = Hints()

    @override
    async def open(self) -> None:
        await asyncio.sleep(0)

    @override
    async def close(self) -> None:
        await asyncio.sleep(0)

    @override
    async def enqueue(self, jobs: Sequence[Job]) -> None:
        await asyncio.sleep(0)
        for job in jobs:
            for _ in range(self._copies):
                item = (job.not_before or 0.0, next(self._order), json.dumps(job))
                with self._lock:
                    heapq.heappush(self._waiting[job.queue], item)
        self._arrivals.send()

    @override
    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None:
        in_hand: set[asyncio.Task[None]] = set()
        takers = [asyncio.create_task(self._take(queue, limit, handle, in_hand)) for queue, limit in queues.items()]
        try:
            await asyncio.gather(*takers)
        finally:
            for taker in takers:
                taker.cancel()
            await asyncio.gather(*takers, return_exceptions=True)
            if in_hand:
                await asyncio.shield(asyncio.gather(*in_hand, return_exceptions=True))

    def waiting(self, queue: str) -> list[Job]:
        """The jobs that nobody has taken yet, for tests."""
        with self._lock:
            return [_read(text) for _, _, text in sorted(self._waiting[queue])]

    async def _take(self, queue: str, limit: int, handle: JobHandler, in_hand: set[asyncio.Task[None]]) -> None:
        slots = asyncio.Semaphore(limit)
        arrival = asyncio.Event()
        unsubscribe = self._arrivals.subscribe(arrival.set)
        try:
            while True:
                await slots.acquire()
                job = await self._next(queue, arrival)
                task = asyncio.create_task(_handle(handle, job, slots))
                in_hand.add(task)
                task.add_done_callback(in_hand.discard)
        finally:
            unsubscribe()

    async def _next(self, queue: str, arrival: asyncio.Event) -> Job:
        while True:
            await asyncio.sleep(0)
            arrival.clear()
            job, seconds = self._pop(queue)
            if job is not None:
                return job
            await self._until(arrival, seconds)

    def _pop(self, queue: str) -> tuple[Job | None, float | None]:
        """The first job that is due, or in how many seconds the first of all will be (None: there is none)."""
        with self._lock:
            waiting = self._waiting[queue]
            seconds = waiting[0][0] - self._clock() if waiting else None
            if seconds is None or seconds > 0:
                return None, seconds
            return _read(heapq.heappop(waiting)[2]), None

    async def _until(self, arrival: asyncio.Event, seconds: float | None) -> None:
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(arrival.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self._sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


async def _handle(handle: JobHandler, job: Job, slots: asyncio.Semaphore) -> None:
    try:
        await handle(job)
    except Exception:
        # What was not done is still in the state store, which offers it again.
        _LOGGER.exception("queue.job_failed", extra={"task": job.task, "run_id": job.run_id})
    finally:
        slots.release()


def _read(text: str) -> Job:
    return Job(*json.loads(text))
