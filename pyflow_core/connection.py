"""Connections: the stores of a project opened by its settings, with the client that uses them."""

from __future__ import annotations

import importlib
import os
from contextlib import AsyncExitStack
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from pyflow_core.client import Client
from pyflow_core.clock import Clock, SystemClock, uptime
from pyflow_core.duration import parse_duration
from pyflow_core.engine.renewal import Renewal
from pyflow_core.engine.retention import Retention
from pyflow_core.engine.runtime import Runtime
from pyflow_core.engine.values import Values
from pyflow_core.engine.worker import Worker
from pyflow_core.errors import NotConnectedError, SettingsError
from pyflow_core.metrics import load_metrics
from pyflow_core.payload.configuration import ConfigurationCache
from pyflow_core.payload.handle import connect_payloads
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.payload.policy import DEFAULT_POLICY, PayloadPolicy
from pyflow_core.portal import portal
from pyflow_core.ports.metric import NO_METRICS
from pyflow_core.ports.state import DEFAULT_TENANT
from pyflow_core.service import enter_factory, load_target
from pyflow_core.stores import make_payloads, make_queue, make_state
from pyflow_core.wiring import current_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from pyflow_core.engine.worker import Chore
    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadService
    from pyflow_core.ports.queue import QueueService
    from pyflow_core.ports.state import WorkflowStateService
    from pyflow_core.project import Project
    from pyflow_core.wiring import ExecutionMode, Registry

_ALL_AT_ONCE = 1_000_000
"""Slots of a queue for a caller that drives its own runs: it runs what they ask for, however much that is."""

DEFAULT_PAYLOADS = "file:///.pyflow/payloads"

_ENVIRONMENT = {
    "state": "PYFLOW_STATE",
    "queue": "PYFLOW_QUEUE",
    "payloads": "PYFLOW_PAYLOADS",
    "config_cache": "PYFLOW_CONFIG_CACHE",
    "lease_seconds": "PYFLOW_LEASE_SECONDS",
    "concurrency": "PYFLOW_CONCURRENCY",
    "drain_seconds": "PYFLOW_DRAIN_SECONDS",
    "execution_cache": "PYFLOW_EXECUTION_CACHE",
    "metrics": "PYFLOW_METRICS",
}
_DEFAULTS: dict[str, Any] = {
    "state": "sqlite:///.pyflow/state.db",
    "queue": None,
    "payloads": DEFAULT_PAYLOADS,
    "config_cache": None,
    "lease_seconds": 30.0,
    "concurrency": 10,
    "drain_seconds": 30.0,
    "execution_cache": 1000,
    "metrics": None,
    "fused_commits": True,
}

_connected: dict[str, Client] = {}


def connected_client(project: Project) -> Client:
    """The client of a project's open connection.

    Raises:
        NotConnectedError: there is none.
    """
    client = _connected.get(project.package)
    if client is None:
        raise NotConnectedError(f"{project.package} is not connected: use `async with connect():` around this")
    return client


class Connection:
    """`async with connect(...) as client`; the client is the process's default for its generated package.

    Args:
        state, queue, payloads: URLs, or services that are open already; `queue=""` is the state store, whatever the
            settings say. A payload store named by URL is opened when it is first needed.
        tenant: whose runs are started here; their payloads lie under a prefix of their own, and no other is read.
        config_cache: a URL or an open service with times to live, to be asked first for saved configurations.
        metrics: what takes counters and histograms, or its name.
        services: the services themselves, in place of the project's factory.
        worker: whether to execute runs in this process too.
        queues: with `worker`, glob patterns of the queues to work on.
        execution_mode: `"inline"` or `"remote"` for all workflows, in place of their own.
        clock: for tests.

    Further settings of `[tool.pyflow]` may be given by name.
    """

    def __init__(
        self,
        project: Project,
        *,
        state: str | WorkflowStateService | None = None,
        queue: str | QueueService | None = None,
        services: Any = None,
        worker: bool = False,
        queues: Sequence[str] = ("*",),
        execution_mode: ExecutionMode | None = None,
        tenant: str = DEFAULT_TENANT,
        payloads: str | PayloadService | None = None,
        metrics: MetricService | str | None = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
        **settings: Any,
    ) -> None:
        self._project = project
        self._settings = _settings(
            project, {"state": state, "queue": queue, "payloads": payloads, "metrics": metrics, **settings}
        )
        self._tenant = tenant
        self._metrics: MetricService = NO_METRICS
        self._services = services
        self._with_worker = worker
        self._queues = queues
        self._execution_mode: ExecutionMode | None = execution_mode
        self._clock = clock or SystemClock()
        self._registry = registry
        self._stack = AsyncExitStack()
        self._services_stack = AsyncExitStack()
        self._before: Client | None = None
        self._runtime_settings = settings

    async def __aenter__(self) -> Client:
        async with AsyncExitStack() as stack:
            client = await self._open(stack)
            if self._with_worker:
                await client.work()
            self._stack = stack.pop_all()
        self._before = _connected.get(self._project.package)
        _connected[self._project.package] = client
        return client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is None:
            _connected.pop(self._project.package, None)
        else:
            _connected[self._project.package] = self._before
        await self._stack.aclose()

    async def _open(self, stack: AsyncExitStack) -> Client:
        project = self._project
        for module in project.modules:
            importlib.import_module(module)
        self._metrics = load_metrics(self._settings["metrics"])
        state = await self._open_service(stack, self._settings["state"], make_state)
        state.metrics = self._metrics
        queue = await self._open_service(stack, self._settings["queue"], make_queue)
        self._services_stack = await stack.enter_async_context(AsyncExitStack())
        planes = self._data_planes()
        stack.push_async_callback(planes.close)
        stack.callback(connect_payloads(planes.access(self._tenant)))
        runtime = self._make_runtime(planes)
        client = Client(
            state,
            queue,
            runtime,
            self._clock,
            execution_mode=self._execution_mode,
            make_worker=self._make_worker,
            tenant=self._tenant,
        )
        stack.push_async_callback(client.close)
        return client

    async def _open_service(self, stack: AsyncExitStack, service: Any, make: Any) -> Any:
        if not isinstance(service, str) or not service:
            return service or None
        opened = make(service, self._root(), self._clock)
        stack.push_async_callback(opened.close)
        await opened.open()
        return opened

    def _root(self) -> Path | None:
        root = self._project.root
        return root if (root / "pyproject.toml").is_file() else None

    def _data_planes(self) -> DataPlanes:
        payloads = self._settings["payloads"]
        if payloads == DEFAULT_PAYLOADS and str(self._settings["state"]).startswith("memory:"):
            payloads = "memory://"  # what refers to it would not outlive the process either

        make = partial(make_payloads, root=self._root(), clock=self._clock)
        return DataPlanes(
            partial(make, payloads) if isinstance(payloads, str) else payloads,
            metrics=self._metrics,
            configurations=self._configuration_cache(make),
            now=self._clock.time,
        )

    def _configuration_cache(self, make: Callable[[str], PayloadService]) -> ConfigurationCache | None:
        cache = self._settings["config_cache"]
        if not cache:
            return None
        if isinstance(cache, str):
            return ConfigurationCache(make(cache), uptime=uptime)
        return ConfigurationCache(cache, uptime=uptime, is_open=True)

    def _make_runtime(self, planes: DataPlanes) -> Runtime:
        project = self._project
        step_services = load_target(project.step_services, what="step_services =") if project.step_services else None
        return Runtime(
            self._registry or current_registry(),
            services=self._services,
            step_services=step_services,
            middleware=[load_target(name, what="middleware =") for name in project.middleware],
            plans=project.workflows,
            settings={**project.settings, **self._runtime_settings},
            clock=self._clock,
            values=Values(planes, self._clock, policy=_policy(self._settings), queues=_value_queues(self._settings)),
        )

    async def _enter_services(self, runtime: Runtime) -> None:
        """Make the services, before the first job; a connection that only starts and reads runs needs none."""
        factory = self._project.services
        if factory is not None and self._services is None:
            target = load_target(factory, what="services =")
            self._services = runtime.services = await enter_factory(self._services_stack, target)

    async def _make_worker(self, client: Client, inline: bool) -> Worker:  # noqa: FBT001 - one caller for each
        self._check_payloads(client)
        await self._enter_services(client.runtime)
        settings = self._settings
        cache = settings["execution_cache"]
        return Worker(
            client.state,
            client.runtime,
            self._clock,
            queue=None if inline else client.queue,
            queues=("*",) if inline else self._queues,
            own_runs_only=inline,
            concurrency=_ALL_AT_ONCE if inline else int(settings["concurrency"]),
            lease_seconds=float(settings["lease_seconds"]),
            drain_seconds=float(settings["drain_seconds"]),
            cache_size=None if cache is None else int(cache),
            fused=bool(settings["fused_commits"]),
            recovers=settings.get("recovers", True),
            settled=client.settled,
            left=client.left,
            chores=[] if inline else self._chores(client),
        )

    def _check_payloads(self, client: Client) -> None:
        """Tell what is wrong with a payload store that was named before steps fail for it.

        Nobody named the default, and a project without large values may do without it.
        """
        planes = client.runtime.values.planes
        if planes is not None and self._names_payloads:
            planes.make_store()

    @property
    def _names_payloads(self) -> bool:
        return bool(self._settings["payloads"] != DEFAULT_PAYLOADS)

    def _chores(self, client: Client) -> list[Chore]:
        planes = client.runtime.values.planes
        if planes is None:
            return []
        chores: list[Chore] = []
        if self._names_payloads or planes.configurations is not None:  # the default lets nothing go by itself
            chores.append(Renewal(client.state, planes, self._clock))
        seconds = _seconds_kept(self._settings.get("retention"))
        if seconds is not None:
            chores.append(Retention(client.state, planes, self._clock, seconds))
        return chores


class BlockingConnection:
    """`with connect(...) as client`, for code without an event loop; see `Connection` for what it takes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Client:
        return portal.call(self._connection.__aenter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        portal.call(self._connection.__aexit__(kind, error, traceback))


async def open_worker(project: Project, queues: Sequence[str] | None, **overrides: Any) -> Worker:
    """A running worker with stores of its own, for generated arq workers; `close` closes those too."""
    connection = Connection(project, worker=True, queues=tuple(queues or ("*",)), **overrides)
    client = await connection.__aenter__()
    worker = client.worker
    if worker is None:
        raise AssertionError
    worker.on_close(lambda: connection.__aexit__(None, None, None))
    return worker


def _settings(project: Project, given: dict[str, Any]) -> dict[str, Any]:
    """Argument, then environment, then file as generated, then default."""
    found = {**_DEFAULTS, **{key: value for key, value in project.settings.items() if value is not None}}
    for key, variable in _ENVIRONMENT.items():
        if os.environ.get(variable):
            found[key] = os.environ[variable]
    found.update({key: value for key, value in given.items() if value is not None})
    for key in ("lease_seconds", "concurrency"):
        _check_number(key, found[key], above=True)
    _check_number("drain_seconds", found["drain_seconds"], above=False)
    return found


def _seconds_kept(retention: Any) -> float | None:
    """How long ended runs are kept; None for ever.

    Raises:
        InvalidDurationError, SettingsError
    """
    if retention is None or retention == "keep":
        return None
    seconds = parse_duration(retention)
    _check_number("retention", seconds, above=True)
    return seconds


def _policy(settings: dict[str, Any]) -> PayloadPolicy:
    """The limits of values.

    Raises:
        InvalidOptionError: one of them is no limit.
    """
    return DEFAULT_POLICY.override({**settings, "strict": settings.get("strict_payloads")})


def _value_queues(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The queues whose values have limits of their own."""
    queues: dict[str, dict[str, Any]] = settings.get("queues") or {}
    limits = {field.name for field in fields(PayloadPolicy)}
    return {glob: dict(given) for glob, given in queues.items() if limits & given.keys()}


def _check_number(key: str, value: Any, *, above: bool) -> None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not (number > 0 if above else number >= 0):
        raise SettingsError(f"{key} = {value!r} must be a number {'above 0' if above else 'of 0 or more'}")
