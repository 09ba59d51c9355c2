"""The queue port on arq. A job is a task's name and ids; what it stands for is in the state."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

from typing_extensions import override

from pyflow_core.errors import StoreUnavailableError
from pyflow_core.ports.queue import JobHandler, QueueService
from pyflow_core.url import shown_url
from pyflow_services.arq.connection import check_url, connect, redis_settings, unavailable
from pyflow_services.arq.message import job_args, serialize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arq.connections import ArqRedis

    from pyflow_core.ports.state import Job

POLL_SECONDS = 0.1
"""How often each queue is looked at: the longest time that a job lies before a free worker takes it."""

KEEP_JOB_MS = 10 * 365 * 86_400_000
"""Jobs do not expire. Redis wants a time."""

ENQUEUE_AT_ONCE = 1000


class ArqQueueService(QueueService):
    """Jobs for arq workers, in this process by `serve`, or run by the `arq` command by generated worker classes.

    Every job gets an id of its own, because arq drops the second job of an id without a word. Its retries, results and
    timeouts are not used: the state decides what is tried again.
    """

    def __init__(self, url: str, *, poll_seconds: float = POLL_SECONDS) -> None:
        check_url(url)
        self._url = url
        self._poll_seconds = poll_seconds
        self._pool: ArqRedis | None = None

    @override
    async def open(self) -> None:
        """Connect.

        Raises:
            MissingExtraError: arq is not installed.
            StoreUnavailableError: the server cannot be reached.
        """
        settings = redis_settings(self._url)
        with unavailable(self._url):
            self._pool = await connect(settings)

    @override
    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    @override
    async def enqueue(self, jobs: Sequence[Job]) -> None:
        if self._pool is None:
            raise StoreUnavailableError(f"the queue at {shown_url(self._url)} is not open")
        with unavailable(self._url):
            for start in range(0, len(jobs), ENQUEUE_AT_ONCE):
                await self._write(self._pool, jobs[start : start + ENQUEUE_AT_ONCE])

    async def _write(self, pool: ArqRedis, jobs: Sequence[Job]) -> None:
        # As `ArqRedis.enqueue_job` writes it, but in one round trip for all: it takes three for each, to find out
        # whether the id is new.
        from arq.constants import job_key_prefix
        from arq.jobs import serialize_job

        now_ms = round(time.time() * 1000)
        async with pool.pipeline(transaction=True) as pipe:
            for job in jobs:
                job_id = uuid.uuid4().hex
                start_ms = now_ms if job.not_before is None else max(now_ms, round(job.not_before * 1000))
                blob = serialize_job(job.task, job_args(job), {}, None, now_ms, serializer=serialize)
                pipe.psetex(job_key_prefix + job_id, start_ms - now_ms + KEEP_JOB_MS, blob)
                pipe.zadd(job.queue, {job_id: start_ms})
            await pipe.execute()

    @override
    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None:
        settings = redis_settings(self._url)
        from pyflow_services.arq.consumer import QueueServer

        servers = [
            asyncio.create_task(QueueServer(settings, self._url, queue, limit, handle, self._poll_seconds).serve())
            for queue, limit in queues.items()
        ]
        # Not `gather`, which returns at the first one cancelled, so that the others would be cancelled twice.
        try:
            await asyncio.wait(servers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for server in servers:
                server.cancel()
            results = await asyncio.gather(*servers, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
