"""Stores by URL: the built-in ones, and those of third parties by entry point.

A factory is called with the URL, the project's root (None in an installed package without one) and the clock. Entry
points stand in the groups `pyflow.state`, `pyflow.queue` and `pyflow.payloads`, named by the URL's scheme.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pyflow_core.errors import SettingsError
from pyflow_core.suggest import did_you_mean
from pyflow_core.url import shown_url, url_scheme

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyflow_core.clock import Clock
    from pyflow_core.ports.payload import PayloadService
    from pyflow_core.ports.queue import QueueService
    from pyflow_core.ports.state import WorkflowStateService

# Names, not imports: the core imports no service, and a backend costs nothing until its URL is used.
_BUILT_IN = {
    "pyflow.state": {"sqlite": "pyflow_services.sqlite:from_url", "memory": "pyflow_services.memory:state_from_url"},
    "pyflow.queue": {
        "memory": "pyflow_services.memory:queue_from_url",
        "redis": "pyflow_services.arq:from_url",
        "rediss": "pyflow_services.arq:from_url",
        "unix": "pyflow_services.arq:from_url",
    },
    "pyflow.payloads": {
        "file": "pyflow_services.files:from_url",
        "memory": "pyflow_services.memory:payloads_from_url",
        "sqlite": "pyflow_services.relational:from_url",
        "s3": "pyflow_services.object_store:from_url",
        "gs": "pyflow_services.object_store:from_url",
        "az": "pyflow_services.object_store:from_url",
        "nats": "pyflow_services.nats:from_url",
        "tls": "pyflow_services.nats:from_url",
        "redis": "pyflow_services.redis:from_url",
        "rediss": "pyflow_services.redis:from_url",
    },
}


def make_state(url: str, root: Path | None, clock: Clock) -> WorkflowStateService:
    """The state service of a URL, not yet open.

    Raises:
        SettingsError: no service has this scheme, or the URL is wrong.
    """
    service: WorkflowStateService = _factory("pyflow.state", url, "state")(url, root, clock)
    return service


def make_queue(url: str, root: Path | None, clock: Clock) -> QueueService:
    """The queue service of a URL, not yet open.

    Raises:
        SettingsError: no service has this scheme, or the URL is wrong.
    """
    service: QueueService = _factory("pyflow.queue", url, "queue")(url, root, clock)
    return service


def make_payloads(url: str, root: Path | None, clock: Clock) -> PayloadService:
    """The payload service of a URL, not yet open.

    Raises:
        SettingsError: no service has this scheme, or the URL is wrong.
        MissingExtraError: its extra is not installed.
    """
    service: PayloadService = _factory("pyflow.payloads", url, "payloads")(url, root, clock)
    return service


def _factory(group: str, url: str, what: str) -> Callable[..., Any]:
    scheme = url_scheme(url)
    target = _BUILT_IN[group].get(scheme)
    if target is not None:
        module, _, name = target.partition(":")
        factory: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return factory
    found = {entry.name: entry for entry in entry_points(group=group)}
    if scheme in found:
        loaded: Callable[..., Any] = found[scheme].load()
        return loaded
    known = [*_BUILT_IN[group], *found]
    if not scheme:
        raise SettingsError(f"{what} must be a URL, and has no scheme; known: {', '.join(sorted(known))}")
    raise SettingsError(f"{what} = {shown_url(url)!r}: no service is known for {scheme!r}{did_you_mean(scheme, known)}")
