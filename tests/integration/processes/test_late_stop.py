"""A step that is over can no longer be asked to stop: what follows from its result must still reach the queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flow_sample import Amount, project
from pyflow_services.memory import MemoryStateService
from typing_extensions import override

from pyflow_core.ports.queue import QueueService

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

    from pyflow_core.ports.queue import JobHandler
    from pyflow_core.ports.state import Job


class SlowQueue(QueueService):
    """Takes jobs only while the test lets it."""

    def __init__(self) -> None:
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.is_open = asyncio.Event()
        self.is_open.set()

    @override
    async def open(self) -> None: ...

    @override
    async def close(self) -> None: ...

    @override
    async def enqueue(self, jobs: Sequence[Job]) -> None:
        self.asked.set()
        await self.is_open.wait()
        for job in jobs:
            self.jobs.put_nowait(job)

    @override
    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None: ...


def test_a_step_that_is_over_is_not_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_JOURNAL", str(tmp_path / "journal"))

    async def scenario() -> None:
        state, queue = MemoryStateService(), SlowQueue()
        await state.open()
        async with project.connect(state=state, queue=queue, worker=True, recovers=False) as client:
            worker = client.worker
            assert worker is not None
            run = await client.start("chain", Amount(count=1), run_id="r1")
            await worker.handle(await queue.jobs.get())
            step = await queue.jobs.get()
            queue.asked.clear()
            queue.is_open.clear()
            handling = asyncio.ensure_future(worker.handle(step))
            await queue.asked.wait()  # its result is recorded, and the run is being put on its queue
            worker._pool.stop("r1", "step-0")
            queue.is_open.set()
            await handling
            await worker.handle(queue.jobs.get_nowait())
            assert await run.result() == 0

    asyncio.run(scenario())
