"""Serving one queue inside a process: an arq worker that comes back after trouble, and stops without losing a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from arq.worker import Function, Worker, func
from redis.exceptions import RedisError

from pyflow_core.log import logger
from pyflow_core.url import shown_url
from pyflow_services.arq.connection import connect, reason
from pyflow_services.arq.function import JOB_TIMEOUT_SECONDS, Context, job_function
from pyflow_services.arq.message import RUN_TASK, STEP_TASK, deserialize, serialize

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arq.connections import ArqRedis, RedisSettings
    from arq.cron import CronJob

    from pyflow_core.ports.queue import JobHandler
    from pyflow_core.ports.state import Job

_LOGGER = logger("pyflow.arq")

RECONNECT_SECONDS = (0.1, 5.0)
"""The first and the longest wait before a lost server is tried again."""


class _Tasks(dict[str, "Function | CronJob"]):
    """arq's table of functions, for every task of pyflow's that may come: a queue does not tell beforehand."""

    def __init__(self, queue: str, handle: Callable[[Context, Job], Awaitable[None]]) -> None:
        super().__init__()
        self._queue = queue
        self._handle = handle

    def __missing__(self, task: str) -> Function:
        if not task.startswith((RUN_TASK, STEP_TASK)):
            raise KeyError(task)
        return job_function(self._queue, task, self._handle)


class _Consumer(Worker):
    """arq's worker, but that it never stops between taking a job and starting it."""

    def __init__(self, pool: ArqRedis, queue: str, limit: int, poll_seconds: float) -> None:
        super().__init__(
            [func(_nothing, name="pyflow", timeout=JOB_TIMEOUT_SECONDS)],  # it insists on one
            redis_pool=pool,
            queue_name=queue,
            handle_signals=False,
            max_jobs=limit,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            poll_delay=poll_seconds,
            job_serializer=serialize,
            job_deserializer=deserialize,
            log_results=False,
        )
        self._picking = asyncio.Lock()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        for job_id in job_ids:
            if not job_id.isascii():
                # It would end arq's worker, and the next one too.
                _LOGGER.warning("queue.job_refused: id %r on %s", job_id, self.queue_name)
                await self.pool.zrem(self.queue_name, job_id)
                continue
            async with self._picking:
                if not self.allow_pick_jobs or self.job_counter >= self.max_jobs:
                    return
                await super().start_jobs([job_id])

    async def stop_picking(self) -> None:
        """Take no further job; what was taken is running when this returns."""
        self.allow_pick_jobs = False
        async with self._picking:
            pass


async def _nothing(ctx: Context, *_ids: Any) -> None:
    """Stands where arq wants a function."""
    del ctx


class QueueServer:
    """Serves one queue until cancelled, over as many connections as it takes.

    `limit` holds across them: work whose connection was lost goes on, and counts.
    """

    def __init__(
        self, settings: RedisSettings, url: str, queue: str, limit: int, handle: JobHandler, poll_seconds: float
    ) -> None:
        self._settings = settings
        self._url = url
        self._queue = queue
        self._limit = limit
        self._handle = handle
        self._poll_seconds = poll_seconds
        self._slots = asyncio.Semaphore(limit)
        self._in_hand: set[asyncio.Task[Any]] = set()

    async def serve(self) -> None:
        """Serve until cancelled, and then await what is in hand."""
        shortest, longest = RECONNECT_SECONDS
        delay = shortest
        clock = asyncio.get_running_loop().time
        try:
            while True:
                began = clock()
                error = await self._serve_once()
                _LOGGER.warning("queue.trouble: %s at %s: %s", self._queue, shown_url(self._url), reason(error))
                delay = shortest if clock() - began > longest else min(delay * 2, longest)
                await asyncio.sleep(delay)
        finally:
            if self._in_hand:
                await asyncio.wait(self._in_hand)

    async def _serve_once(self) -> BaseException:
        """Serve over one connection; what ended it."""
        try:
            pool = await connect(self._settings)
        except (RedisError, OSError) as error:
            return error
        pool.job_serializer, pool.job_deserializer = serialize, deserialize
        consumer = _Consumer(pool, self._queue, self._limit, self._poll_seconds)
        consumer.functions = _Tasks(self._queue, self._take)
        running = asyncio.ensure_future(consumer.async_run())
        try:
            await asyncio.wait([running])
            return _trouble(running)
        finally:
            await consumer.stop_picking()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self._close(consumer, pool)

    async def _take(self, _ctx: Context, job: Job) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        async with self._slots:
            await self._handle(job)

    async def _close(self, consumer: _Consumer, pool: ArqRedis) -> None:
        """Close one connection; after trouble, without waiting for the work that was begun over it."""
        jobs = list(consumer.tasks.values())
        if self._is_cancelled():
            await asyncio.gather(*jobs, return_exceptions=True)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await asyncio.gather(pool.delete(consumer.health_check_key), return_exceptions=True)
        await pool.aclose()

    @staticmethod
    def _is_cancelled() -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0


def _trouble(running: asyncio.Future[None]) -> BaseException:
    """What ended an arq worker, which ends by itself for trouble with its server only."""
    error = running.exception()
    if error is None or not isinstance(error, (RedisError, OSError)):
        raise error or AssertionError("an arq worker has ended by itself")
    return error
