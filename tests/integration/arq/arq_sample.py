"""Worker classes as they are generated, for a project that only notes what it is asked to do."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyflow_services.arq.worker import ArqWorkers

if TYPE_CHECKING:
    from pyflow_core.ports.state import Job

JOURNAL = Path(os.environ.get("SAMPLE_JOURNAL", os.devnull))
RELEASE = JOURNAL.with_name("release")


def note(text: str) -> None:
    with JOURNAL.open("a", encoding="utf-8") as journal:
        journal.write(f"{text}\n")


class SampleWorker:
    """Does a job by waiting until the test creates a file."""

    def __init__(self) -> None:
        self._jobs: set[asyncio.Future[None]] = set()

    async def handle(self, job: Job) -> None:
        note(f"begin {job.queue} {job.task} {job.run_id} {job.step_name}")
        work = asyncio.ensure_future(self._work(job))
        self._jobs.add(work)
        await asyncio.shield(work)

    async def _work(self, job: Job) -> None:
        while not RELEASE.exists():  # noqa: ASYNC110 - another process creates it
            await asyncio.sleep(0.01)
        note(f"end {job.run_id}")

    async def close(self) -> None:
        note("closing")
        if self._jobs:
            await asyncio.wait(self._jobs)
        note("closed")


class SampleProject:
    @property
    def settings(self) -> dict[str, Any]:
        return {"concurrency": 3, "drain_seconds": float(os.environ.get("SAMPLE_DRAIN", "20"))}

    async def open_worker(self, queues: list[str]) -> SampleWorker:
        note(f"open {queues}")
        return SampleWorker()


_workers = ArqWorkers(SampleProject())


class Onboarding:
    queue_name = "workflow-onboarding-orchestrator"
    functions = _workers.run("onboarding")
    on_startup = _workers.startup
    on_shutdown = _workers.shutdown
    redis_settings = _workers.redis_settings
    max_jobs = _workers.max_jobs("workflow-onboarding-orchestrator")
    job_timeout = _workers.job_timeout
    job_completion_wait = _workers.job_completion_wait
    poll_delay = _workers.poll_delay
    health_check_interval = _workers.health_check_interval
    keep_result = 0
    retry_jobs = False
    job_serializer = _workers.serialize
    job_deserializer = _workers.deserialize


class OnboardingNotifyEach:
    queue_name = "workflow-onboarding-notify-*"
    functions = _workers.step("onboarding", "notify-*")
    on_startup = _workers.startup
    on_shutdown = _workers.shutdown
    redis_settings = _workers.redis_settings
    max_jobs = _workers.max_jobs("workflow-onboarding-notify-*")
    job_timeout = _workers.job_timeout
    job_completion_wait = _workers.job_completion_wait
    poll_delay = _workers.poll_delay
    health_check_interval = _workers.health_check_interval
    keep_result = 0
    retry_jobs = False
    job_serializer = _workers.serialize
    job_deserializer = _workers.deserialize
