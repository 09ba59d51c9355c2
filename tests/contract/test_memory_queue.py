"""The memory queue keeps the contract of the queue port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from pyflow_services.memory import MemoryQueueService

from pyflow_core.ports.state import Job
from pyflow_core.testing.contracts.queue import QUEUE, QueueServiceContract, open_consumer, step_job

if TYPE_CHECKING:
    from pyflow_core.ports.queue import QueueService
    from pyflow_core.testing.contracts.scenario import RealTime, VirtualTime


class TestMemoryQueue(QueueServiceContract):
    async def make_service(self, time: VirtualTime | RealTime) -> QueueService:
        return MemoryQueueService(clock=time, sleep=time.sleep)


def test_it_can_deliver_each_job_twice() -> None:
    async def scenario() -> None:
        queue = MemoryQueueService(copies=2)
        consumer = open_consumer()
        await queue.enqueue([step_job(1)])
        serving = asyncio.create_task(queue.serve({QUEUE: 1}, consumer.handle))
        await consumer.has(2)
        serving.cancel()
        await asyncio.wait([serving])
        assert consumer.jobs == [step_job(1)] * 2

    asyncio.run(scenario())


def test_it_refuses_what_is_not_json() -> None:
    async def scenario() -> None:
        queue = MemoryQueueService()
        with pytest.raises(TypeError):
            await queue.enqueue([Job(QUEUE, "workflow.step:a:b", object())])  # type: ignore[arg-type]
        assert queue.waiting(QUEUE) == []

    asyncio.run(scenario())


def test_it_shows_what_waits() -> None:
    async def scenario() -> None:
        queue = MemoryQueueService()
        await queue.enqueue([step_job(2), step_job(1)])
        assert queue.waiting(QUEUE) == [step_job(2), step_job(1)]

    asyncio.run(scenario())
