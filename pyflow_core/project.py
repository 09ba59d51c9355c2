"""What the generated package tells the running side about a project; it never reads `pyproject.toml` itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyflow_core.naming import match_step, orchestrator_queue, step_queue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyflow_core.client import Client
    from pyflow_core.connection import BlockingConnection, Connection
    from pyflow_core.engine.worker import Worker


@dataclass(frozen=True, kw_only=True)
class WorkflowPlan:
    """A workflow as it was generated: the hash of its code, and its RPC steps by literal name or pattern."""

    name: str
    code_hash: str
    steps: tuple[str, ...] = ()

    def queue_of(self, step_name: str) -> str:
        """The queue of a step of a run."""
        return step_queue(self.name, _step_key(self.steps, step_name))

    @property
    def queues(self) -> tuple[str, ...]:
        """Every queue of the workflow: its orchestrator's, each step's, and that of steps no pattern matches."""
        keys = self.steps if "*" in self.steps else (*self.steps, "*")
        return (orchestrator_queue(self.name), *(step_queue(self.name, key) for key in keys))


@lru_cache(maxsize=65_536)
def _step_key(steps: tuple[str, ...], step_name: str) -> str:
    literals = [step for step in steps if "*" not in step]
    return match_step(step_name, literals, [step for step in steps if "*" in step])


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project and its settings as they were generated.

    `root` is where relative paths count from. `modules` are imported before anything runs, so that their wiring is
    known. `settings` are the keys of `[tool.pyflow]` that the running side needs.
    """

    name: str
    package: str
    root: Path
    modules: tuple[str, ...] = ()
    services: str | None = None
    step_services: str | None = None
    middleware: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    workflows: tuple[WorkflowPlan, ...] = ()

    def connect(self, **overrides: Any) -> Connection:
        """Open the stores, in `async with`. See `pyflow_core.connection.Connection` for what it takes."""
        from pyflow_core.connection import Connection

        return Connection(self, **overrides)

    def connect_blocking(self, **overrides: Any) -> BlockingConnection:
        """`connect` for code without an event loop: `with connect() as client`."""
        from pyflow_core.connection import BlockingConnection, Connection

        return BlockingConnection(Connection(self, **overrides))

    def client(self) -> Client:
        """The client of the open connection.

        Raises:
            NotConnectedError: there is none.
        """
        from pyflow_core.connection import connected_client

        return connected_client(self)

    async def open_worker(self, queues: tuple[str, ...] | list[str] | None = None, **overrides: Any) -> Worker:
        """A running worker for these queues (glob patterns; None for all); close it with `await worker.close()`."""
        from pyflow_core.connection import open_worker

        return await open_worker(self, queues, **overrides)
