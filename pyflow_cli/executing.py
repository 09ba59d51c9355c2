"""A worker inside this process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyflow_core.client import Client
    from pyflow_core.engine.worker import Worker


_LOOK_SECONDS = 0.1
_QUIET_LOOKS = 3
_QUIET_LOOKS_WITH_QUEUE = 20
_JOBS = 10_000


class Executing:
    """Whether this process executes runs, and the task that takes the jobs of a queue service for it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._serving: asyncio.Task[None] | None = None

    @property
    def here(self) -> bool:
        """Whether it does."""
        return self._client.worker is not None

    async def begin(self) -> Worker:
        """Execute from now on.

        Raises:
            MissingServiceError, StoreError
        """
        worker = await self._client.work()
        if self._client.queue is not None and self._serving is None:
            self._serving = asyncio.create_task(worker.serve())
        return worker

    async def begin_if_nobody_does(self) -> None:
        """Execute from now on, unless a worker is alive somewhere.

        Raises:
            MissingServiceError, StoreError
        """
        if not self.here and not await self._client.state.live_workers():
            await self.begin()

    async def failed(self) -> None:
        """Return never, or raise what ended the serving of a queue service.

        Raises:
            StoreError
        """
        if self._serving is None:
            await asyncio.Event().wait()
        else:
            await asyncio.wait((self._serving,))  # which, unlike awaiting it, does not cancel it when cancelled
            self._serving.result()

    async def idle(self) -> None:
        """Return when this worker has nothing to do, and nothing is ready or due for it now."""
        # What comes by a queue service may be on its way for a while.
        needed = _QUIET_LOOKS if self._client.queue is None else _QUIET_LOOKS_WITH_QUEUE
        quiet = 0
        while quiet < needed:
            await asyncio.sleep(_LOOK_SECONDS)
            quiet = 0 if await self._has_work() else quiet + 1

    async def next_due_in(self) -> float | None:
        """In how many seconds the next step is due that waits for its time; None if there is none."""
        state, worker = self._client.state, self._client.worker
        due_at = await state.next_due(worker.queues) if worker is not None else None
        return None if due_at is None else max(0.0, due_at - state.now())

    async def _has_work(self) -> bool:
        worker, state = self._client.worker, self._client.state
        if worker is None or worker.busy:
            return worker is not None
        if await self.next_due_in() == 0:
            return True
        now, queues = state.now(), set(worker.queues)
        jobs = await state.unqueued(0.0, _JOBS)
        return any(job.queue in queues and (job.not_before or now) <= now for job in jobs)

    async def end(self) -> None:
        """Take no more jobs, and drain what runs."""
        if self._serving is None or self._client.worker is None:
            return  # the client's close drains
        # A queue service awaits what it has in hand, however long; only the worker's close gives that back in time.
        self._serving.cancel()
        await self._client.worker.close()
        await asyncio.gather(self._serving, return_exceptions=True)


@asynccontextmanager
async def executing(client: Client) -> AsyncGenerator[Executing]:
    """The part of this process in executing runs, for as long as the client is used."""
    part = Executing(client)
    try:
        yield part
    finally:
        await part.end()
