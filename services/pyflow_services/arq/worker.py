"""What the generated worker classes are made of, which the stock `arq` command runs, one queue a process.

A job whose function a worker does not know is removed by arq and not done: it stays pending in the state, whose relay
offers it again, so that it is done once a worker that was generated with it runs.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pyflow_core.errors import SettingsError
from pyflow_core.naming import orchestrator_queue, run_task, step_queue, step_task
from pyflow_core.url import shown_url
from pyflow_services.arq import message
from pyflow_services.arq.connection import SCHEMES, redis_settings, require_arq
from pyflow_services.arq.queue import POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arq.connections import RedisSettings
    from arq.worker import Function

    from pyflow_core.ports.state import Job

T = TypeVar("T")

MAX_RUNS = 100
"""How many runs one orchestrator process drives at once."""

_WORKER = "pyflow_worker"


class JobWorker(Protocol):
    """What claims and executes jobs."""

    async def handle(self, job: Job) -> None:
        """Claim what a job names and do it to its end; nothing, if another has it."""

    async def close(self) -> None:
        """Drain and let go of everything."""


class WorkerProject(Protocol):
    """A project, as far as it is needed here."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that were generated."""
        ...

    async def open_worker(self, queues: list[str]) -> JobWorker:
        """A running worker for these queues."""
        ...


class ArqWorkers:
    """The parts of a project's arq worker classes, which must be flat: arq ignores what a class inherits."""

    job_timeout = 86_400.0
    poll_delay = POLL_SECONDS
    health_check_interval = 60.0
    serialize = staticmethod(message.serialize)
    deserialize = staticmethod(message.deserialize)

    def __init__(self, project: WorkerProject) -> None:
        self._project = project
        self._in_hand: set[asyncio.Task[Any]] = set()
        self.classes: dict[str, type[object]] = {}
        """Every worker class by its queue."""

    @property
    def redis_settings(self) -> RedisSettings:
        """Where the queue is. Without a queue on Redis, whoever connects is told so; importing is allowed."""
        url = str(self._setting("queue", "PYFLOW_QUEUE", ""))
        if url.partition("://")[0] not in SCHEMES:
            return cast("RedisSettings", _NoQueue(url))
        return redis_settings(url)

    @property
    def job_completion_wait(self) -> int:
        """How many seconds jobs may go on after a signal to stop; what is left then is given back."""
        return max(1, int(float(self._setting("drain_seconds", "PYFLOW_DRAIN_SECONDS", 30))))

    def max_jobs(self, queue: str) -> int:
        """How many jobs of a queue one process takes at once."""
        if queue.endswith(_ORCHESTRATOR_SUFFIX):
            return MAX_RUNS
        return int(self._setting("concurrency", "PYFLOW_CONCURRENCY", 10))

    def run(self, workflow: str) -> list[Function]:
        """The functions of an orchestrator."""
        return [self._function(orchestrator_queue(workflow), run_task(workflow))]

    def step(self, workflow: str, step: str) -> list[Function]:
        """The functions of a step's worker, `step` being its literal name or its pattern."""
        return [self._function(step_queue(workflow, step), step_task(workflow, step))]

    def serves_runs(self, workflow: str) -> Callable[[type[T]], type[T]]:
        """Make a class with a `queue_name` the worker of a workflow's runs, for the `arq` command."""
        return partial(self._complete, functions=self.run(workflow))

    def serves_step(self, workflow: str, step: str) -> Callable[[type[T]], type[T]]:
        """Make a class with a `queue_name` the worker of a step, `step` being its literal name or its pattern."""
        return partial(self._complete, functions=self.step(workflow, step))

    def _complete(self, worker: type[T], functions: list[Function]) -> type[T]:
        # The command reads the attributes of the class itself, and none that it inherits.
        queue = str(vars(worker)["queue_name"])
        settings = {
            "functions": functions,
            "on_startup": self.startup,
            "on_shutdown": self.shutdown,
            "redis_settings": self.redis_settings,
            "max_jobs": self.max_jobs(queue),
            "job_timeout": self.job_timeout,
            "job_completion_wait": self.job_completion_wait,
            "poll_delay": self.poll_delay,
            "health_check_interval": self.health_check_interval,
            "keep_result": 0,
            "retry_jobs": False,
            "job_serializer": self.serialize,
            "job_deserializer": self.deserialize,
        }
        for name, value in settings.items():
            setattr(worker, name, value)
        self.classes[queue] = worker
        return worker

    async def startup(self, ctx: dict[str, Any]) -> None:
        """Open the worker of the queue that this process serves, which arq's connection knows."""
        ctx[_WORKER] = await self._project.open_worker(queues=[ctx["redis"].default_queue_name])

    async def shutdown(self, ctx: dict[str, Any]) -> None:
        """Drain the worker; arq has stopped picking jobs."""
        worker = ctx.pop(_WORKER, None)
        if worker is not None:
            await worker.close()
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=1.0)

    async def _handle(self, ctx: dict[str, Any], job: Job) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        await ctx[_WORKER].handle(job)

    def _function(self, queue: str, task: str) -> Function:
        require_arq()
        from pyflow_services.arq.function import job_function

        return job_function(queue, task, self._handle)

    def _setting(self, key: str, variable: str, default: object) -> Any:
        given = os.environ.get(variable) or self._project.settings.get(key)
        return default if given is None else given


_ORCHESTRATOR_SUFFIX = orchestrator_queue("").removeprefix("workflow-")


class _NoQueue:
    """Stands for the settings of a queue that is not on Redis."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        what = f"queue = {shown_url(self._url)!r} is not on Redis" if self._url else "no queue is set"
        raise SettingsError(f'{what}: arq workers need queue = "redis://host:6379/0" or PYFLOW_QUEUE')
