"""The contract of the queue port catches what queues get wrong: each bug is planted in the memory queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from pyflow_services.memory import MemoryQueueService

from pyflow_core.testing.contracts import scenario
from pyflow_core.testing.contracts.queue import QueueServiceContract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyflow_core.ports.queue import JobHandler, QueueService
    from pyflow_core.ports.state import Job
    from pyflow_core.testing.contracts.scenario import RealTime, VirtualTime


class DropsDuplicates(MemoryQueueService):
    """Drops a job that it has seen, as arq does with the job of a known id."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._seen: set[Job] = set()

    async def enqueue(self, jobs: Sequence[Job]) -> None:
        fresh = [job for job in jobs if job not in self._seen]
        self._seen.update(fresh)
        await super().enqueue(fresh)


class IgnoresTheTime(MemoryQueueService):
    """Delivers at once what is due later."""

    async def enqueue(self, jobs: Sequence[Job]) -> None:
        await super().enqueue([job._replace(not_before=None) for job in jobs])


class IgnoresTheLimit(MemoryQueueService):
    """Takes as many jobs as there are."""

    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None:
        await super().serve(dict.fromkeys(queues, 99), handle)


class AbandonsWhatIsInHand(MemoryQueueService):
    """Stops at once, whatever it is doing."""

    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None:
        async def abandon(job: Job) -> None:
            asyncio.get_running_loop().create_task(handle(job))

        await super().serve(queues, abandon)


class ServesEveryQueue(MemoryQueueService):
    """Takes jobs of queues that nobody asked it to serve."""

    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None:
        await super().serve({**dict.fromkeys(self._waiting, 1), **queues}, handle)


PLANTED: dict[type[MemoryQueueService], str] = {
    DropsDuplicates: "test_a_job_sent_again_after_it_was_done_is_not_lost",
    IgnoresTheTime: "test_a_job_is_not_delivered_before_its_time",
    IgnoresTheLimit: "test_a_full_queue_holds_back_its_own_jobs_only",
    AbandonsWhatIsInHand: "test_who_stops_takes_nothing_more_and_ends_what_is_in_hand",
    ServesEveryQueue: "test_only_the_given_queues_are_served",
}


@pytest.mark.parametrize(("queue", "name"), PLANTED.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_the_contract_catches(queue: type[MemoryQueueService], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Suite(QueueServiceContract):
        async def make_service(self, time: VirtualTime | RealTime) -> QueueService:
            return queue(clock=time, sleep=time.sleep)

    monkeypatch.setattr(scenario, "SCENARIO_SECONDS", 1.0)
    with pytest.raises((AssertionError, TimeoutError)):
        getattr(Suite(), name)()
