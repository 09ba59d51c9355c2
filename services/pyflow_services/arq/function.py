"""The functions that arq calls: each takes its job off the queue and hands it over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.worker import Function, func
from redis.exceptions import RedisError

from pyflow_core.log import logger
from pyflow_services.arq.message import MalformedMessageError, read_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arq.connections import ArqRedis

    from pyflow_core.ports.state import Job

_LOGGER = logger("pyflow.arq")

JOB_TIMEOUT_SECONDS = 86_400.0
"""After so long arq no longer waits for a job; the work itself goes on, under the timeouts of its steps."""

Context = dict[str, Any]


def job_function(queue: str, task: str, handle: Callable[[Context, Job], Awaitable[None]]) -> Function:
    """The arq function of a task. It tries once, keeps no result, and lets its work outlive arq's cancelling."""

    async def run(ctx: Context, *args: str) -> None:
        try:
            job = read_job(queue, task, args)
        except MalformedMessageError as error:
            _LOGGER.warning("queue.job_refused: %s on %s", error, queue)
            return
        await _take_off(ctx["redis"], queue, ctx["job_id"])
        await asyncio.shield(asyncio.ensure_future(handle(ctx, job)))

    return func(run, name=task, keep_result=0, timeout=JOB_TIMEOUT_SECONDS, max_tries=1)


async def _take_off(redis: ArqRedis, queue: str, job_id: str) -> None:
    """Remove a job before it is done.

    arq would leave it, marked as in progress, until it is done. If the worker is killed, such a job blocks its place at
    the head of the queue until the longest timeout has passed. The state knows what is undone, and offers it again.
    """
    try:
        async with redis.pipeline(transaction=True) as pipe:
            pipe.zrem(queue, job_id)
            pipe.delete(job_key_prefix + job_id, in_progress_key_prefix + job_id, retry_key_prefix + job_id)
            await pipe.execute()
    except (RedisError, OSError) as error:
        _LOGGER.warning("queue.trouble: job %s stays on %s: %s", job_id, queue, error)
