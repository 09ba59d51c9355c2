"""The contract of the queue port."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pyflow_core import naming
from pyflow_core.ports.state import Job
from pyflow_core.testing.contracts.scenario import RealTime, VirtualTime, scenario, turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from pyflow_core.ports.queue import JobHandler, QueueService

QUEUE = naming.step_queue("onboarding", "send")
SECOND_QUEUE = naming.orchestrator_queue("onboarding")


def step_job(number: int, queue: str = QUEUE, *, not_before: float | None = None) -> Job:
    """A job of a step."""
    return Job(queue, naming.step_task("onboarding", "send"), f"run-{number}", "send", not_before)


def run_job(number: int) -> Job:
    """The wake-up of a run."""
    return Job(SECOND_QUEUE, naming.run_task("onboarding"), f"run-{number}")


@dataclass(eq=False)
class Consumer:
    """A handler that notes what it is given. While `gate` is closed, it holds its jobs."""

    jobs: list[Job] = field(default_factory=list[Job])
    done: list[Job] = field(default_factory=list[Job])
    busy: Counter[str] = field(default_factory=Counter[str])
    most: Counter[str] = field(default_factory=Counter[str])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, job: Job) -> None:
        """Take a job."""
        self.jobs.append(job)
        self.busy[job.queue] += 1
        self.most[job.queue] = max(self.most[job.queue], self.busy[job.queue])
        self._news.set()
        try:
            await self.gate.wait()
        finally:
            self.busy[job.queue] -= 1
        self.done.append(job)

    async def has(self, count: int) -> None:
        """Wait until so many jobs have come."""
        while len(self.jobs) < count:
            self._news.clear()
            await self._news.wait()


@dataclass(frozen=True, slots=True)
class QueueBench:
    """Two clients of one queue server, which may be the same object, and the time by which it delivers."""

    queue: QueueService
    other: QueueService
    time: VirtualTime | RealTime

    @asynccontextmanager
    async def serving(
        self, slots: Mapping[str, int], handle: JobHandler, client: QueueService | None = None
    ) -> AsyncGenerator[asyncio.Task[None]]:
        """Serve queues meanwhile."""
        task = asyncio.create_task((client or self.other).serve(slots, handle))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settle(self) -> None:
        """Leave time for a delivery that must not happen."""
        await self.time.pass_by(0.0 if isinstance(self.time, VirtualTime) else 0.1)
        await turns(20)


def open_consumer() -> Consumer:
    """A consumer that does its jobs at once."""
    consumer = Consumer()
    consumer.gate.set()
    return consumer


class QueueServiceContract:
    """Every implementation of `QueueService` passes this. Override `make_service`, and what else is needed."""

    async def make_service(self, time: VirtualTime | RealTime) -> QueueService:
        """A service on new, empty queues; not opened yet."""
        raise NotImplementedError

    async def make_client(self, service: QueueService, time: VirtualTime | RealTime) -> QueueService:
        """Another service on the same queues; not opened yet. The default is the service itself."""
        del time
        return service

    def make_time(self) -> VirtualTime | RealTime:
        """The time by which jobs become due; `RealTime` where that is the server's."""
        return VirtualTime()

    @asynccontextmanager
    async def bench(self) -> AsyncGenerator[QueueBench]:
        """Two open clients of new queues."""
        time = self.make_time()
        async with AsyncExitStack() as stack:
            queue = await self.make_service(time)
            stack.push_async_callback(queue.close)
            await queue.open()
            other = await self.make_client(queue, time)
            if other is not queue:
                stack.push_async_callback(other.close)
                await other.open()
            yield QueueBench(queue, other, time)

    @pytest.mark.parametrize(
        "job",
        [
            run_job(1),
            step_job(1),
            Job("workflow-a-notify-*", "workflow.step:a:notify-*", 'Zoë\'s "run" €🙂', "notify-*: 'x' \\ 日本"),
        ],
        ids=["run", "step", "odd ids"],
    )
    @scenario
    async def test_a_job_arrives_as_it_was_sent(self, bench: QueueBench, job: Job) -> None:
        consumer = open_consumer()
        async with bench.serving({job.queue: 1}, consumer.handle):
            await bench.queue.enqueue([job])
            await consumer.has(1)
        assert consumer.jobs == [job]

    @scenario
    async def test_jobs_wait_for_a_consumer(self, bench: QueueBench) -> None:
        jobs = [step_job(n) for n in range(5)]
        await bench.queue.enqueue(jobs)
        consumer = open_consumer()
        async with bench.serving({QUEUE: 2}, consumer.handle):
            await consumer.has(5)
        assert sorted(consumer.jobs) == jobs

    @scenario
    async def test_delivery_comes_later_and_not_inside_the_sending(self, bench: QueueBench) -> None:
        consumer = open_consumer()
        async with bench.serving({QUEUE: 1}, consumer.handle):
            await bench.settle()
            await bench.queue.enqueue([step_job(1)])
            assert consumer.done == []
            await consumer.has(1)

    @scenario
    async def test_sending_nothing_is_harmless(self, bench: QueueBench) -> None:
        await bench.queue.enqueue([])

    @scenario
    async def test_only_the_given_queues_are_served(self, bench: QueueBench) -> None:
        await bench.queue.enqueue([step_job(1), run_job(2)])
        consumer = open_consumer()
        async with bench.serving({SECOND_QUEUE: 1}, consumer.handle):
            await consumer.has(1)
            await bench.settle()
        assert consumer.jobs == [run_job(2)]
        async with bench.serving({QUEUE: 1}, consumer.handle):
            await consumer.has(2)
        assert consumer.jobs == [run_job(2), step_job(1)]

    @scenario
    async def test_several_queues_are_served_at_once(self, bench: QueueBench) -> None:
        consumer = Consumer()
        async with bench.serving({QUEUE: 1, SECOND_QUEUE: 1}, consumer.handle):
            await bench.queue.enqueue([step_job(1), run_job(2)])
            await consumer.has(2)
            consumer.gate.set()
        assert sorted(consumer.done) == sorted([step_job(1), run_job(2)])

    @scenario
    async def test_a_full_queue_holds_back_its_own_jobs_only(self, bench: QueueBench) -> None:
        consumer = Consumer()
        async with bench.serving({QUEUE: 2, SECOND_QUEUE: 3}, consumer.handle):
            await bench.queue.enqueue([step_job(n) for n in range(6)])
            await consumer.has(2)
            await bench.queue.enqueue([run_job(n) for n in range(3)])
            await consumer.has(5)
            await bench.settle()
            assert consumer.busy == {QUEUE: 2, SECOND_QUEUE: 3}
            consumer.gate.set()
            await consumer.has(9)
        assert consumer.most == {QUEUE: 2, SECOND_QUEUE: 3}
        assert set(consumer.done) == {step_job(n) for n in range(6)} | {run_job(n) for n in range(3)}

    # --- the same job again

    @scenario
    async def test_a_job_sent_again_while_it_waits_is_not_lost(self, bench: QueueBench) -> None:
        await bench.queue.enqueue([step_job(1), step_job(1)])
        consumer = open_consumer()
        async with bench.serving({QUEUE: 1}, consumer.handle):
            await consumer.has(2)
        assert set(consumer.jobs) == {step_job(1)}

    @scenario
    async def test_a_job_sent_again_while_it_is_being_done_is_not_lost(self, bench: QueueBench) -> None:
        consumer = Consumer()
        async with bench.serving({QUEUE: 2}, consumer.handle):
            await bench.queue.enqueue([step_job(1)])
            await consumer.has(1)
            await bench.queue.enqueue([step_job(1)])
            await consumer.has(2)
            consumer.gate.set()

    @scenario
    async def test_a_job_sent_again_after_it_was_done_is_not_lost(self, bench: QueueBench) -> None:
        consumer = open_consumer()
        async with bench.serving({QUEUE: 1}, consumer.handle):
            for count in (1, 2, 3):
                await bench.queue.enqueue([step_job(1)])
                await consumer.has(count)

    # --- time

    @scenario
    async def test_a_job_is_not_delivered_before_its_time(self, bench: QueueBench) -> None:
        consumer = open_consumer()
        late, early = step_job(1, not_before=bench.time() + 0.5), step_job(2, not_before=bench.time() - 5)
        async with bench.serving({QUEUE: 5}, consumer.handle):
            await bench.queue.enqueue([late, early])
            await consumer.has(1)
            await bench.settle()
            assert [job.run_id for job in consumer.jobs] == ["run-2"]
            await bench.time.pass_by(0.5)
            await consumer.has(2)
        assert [job.run_id for job in consumer.jobs] == ["run-2", "run-1"]

    @scenario
    async def test_a_delayed_job_does_not_hold_back_others(self, bench: QueueBench) -> None:
        consumer = open_consumer()
        async with bench.serving({QUEUE: 1}, consumer.handle):
            await bench.queue.enqueue([step_job(1, not_before=bench.time() + 3600)])
            await bench.settle()
            await bench.queue.enqueue([step_job(2)])
            await consumer.has(1)
        assert consumer.jobs == [step_job(2)]

    # --- consumers

    @scenario
    async def test_consumers_share_the_jobs(self, bench: QueueBench) -> None:
        consumer = Consumer()
        takers: set[str] = set()

        def taker(name: str) -> JobHandler:
            async def handle(job: Job) -> None:
                takers.add(name)
                await consumer.handle(job)

            return handle

        async with (
            bench.serving({QUEUE: 1}, taker("one"), bench.queue),
            bench.serving({QUEUE: 1}, taker("two"), bench.other),
        ):
            await bench.queue.enqueue([step_job(n) for n in range(6)])
            await consumer.has(2)
            assert takers == {"one", "two"}
            consumer.gate.set()
            await consumer.has(6)
        assert {job.run_id for job in consumer.jobs} == {f"run-{n}" for n in range(6)}

    @scenario
    async def test_a_job_that_fails_takes_nothing_down(self, bench: QueueBench) -> None:
        consumer = open_consumer()

        async def handle(job: Job) -> None:
            await consumer.handle(job)
            if job.run_id == "run-1":
                raise ValueError("a bug in the handler")

        async with bench.serving({QUEUE: 1}, handle):
            await bench.queue.enqueue([step_job(1)])
            await consumer.has(1)
            await bench.queue.enqueue([step_job(2), step_job(3)])
            await consumer.has(3)

    # --- stopping

    @scenario
    async def test_who_stops_takes_nothing_more_and_ends_what_is_in_hand(self, bench: QueueBench) -> None:
        consumer = Consumer()
        async with bench.serving({QUEUE: 2}, consumer.handle) as serving:
            await bench.queue.enqueue([step_job(n) for n in range(4)])
            await consumer.has(2)
            serving.cancel()
            await bench.settle()
            assert not serving.done()
            assert len(consumer.jobs) == 2
            consumer.gate.set()
            await asyncio.wait([serving])
        assert serving.cancelled()
        assert (len(consumer.jobs), len(consumer.done)) == (2, 2)

        rest = open_consumer()
        async with bench.serving({QUEUE: 2}, rest.handle):
            await rest.has(2)
        assert {job.run_id for job in consumer.done + rest.done} == {f"run-{n}" for n in range(4)}

    @scenario
    async def test_stopping_an_idle_consumer_is_quick(self, bench: QueueBench) -> None:
        consumer = open_consumer()
        async with bench.serving({QUEUE: 2, SECOND_QUEUE: 2}, consumer.handle) as serving:
            await bench.settle()
            serving.cancel()
            await asyncio.wait([serving])
        assert serving.cancelled()

    @scenario
    async def test_closing_twice_is_harmless(self, bench: QueueBench) -> None:
        await bench.queue.close()
        await bench.queue.close()
