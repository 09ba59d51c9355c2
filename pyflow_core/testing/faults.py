"""Faults at every call of a state service: a commit whose outcome is unknown, a worker that dies, a process killed.

    faults = Faults()
    store = faults.around(MemoryStateService())
    faults.at("commit:after", 3, raise_commit_unknown)

Every asynchronous method has two fault points, `"<method>:before"` and `"<method>:after"`; at the second the call has
taken effect, and its answer is lost. A sweep runs a scenario once to learn its points, then once for each of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn

from pyflow_core.errors import CommitUnknownError, InvalidOptionError, StoreUnavailableError
from pyflow_core.testing.interception import intercept

if TYPE_CHECKING:
    from pyflow_core.ports.state import WorkflowStateService

Fault = Callable[[str], Awaitable[None]]
"""Is told the fault point that was reached."""

ENVIRONMENT = "PYFLOW_FAULT"
"""`"commit:after:7"`: the process kills itself at the seventh `commit:after`, if its harness installs the faults."""

WRITES = frozenset(
    {
        *("join", "leave", "reap", "create_run", "claim_run", "claim_runs", "commit", "request_cancel", "unblock"),
        *(
            "redrive",
            "claim_step",
            "claim_steps",
            "finish_step",
            "retry_step",
            "release_step",
            "refuse_step",
            "mark_queued",
        ),
    }
)
"""Methods whose outcome can be unknown."""


class Faults:
    """Counts the fault points of the services that it is put around, and strikes at those that are named.

    `reached` lists every point that was reached, in order.
    """

    def __init__(self) -> None:
        self.reached: list[str] = []
        self._counts: Counter[str] = Counter()
        self._planned: dict[tuple[str, int], Fault] = {}

    def at(self, point: str, occurrence: int, fault: Fault) -> None:
        """Strike when `point` (`"commit:after"`) is reached for the so-and-so-manieth time, counted from 1."""
        self._planned[point, occurrence] = fault

    def around(self, inner: WorkflowStateService) -> WorkflowStateService:
        """The service with its fault points."""
        return intercept(inner, self._call)

    async def _call(self, method: str, call: Callable[[], Awaitable[Any]]) -> Any:
        await self._reach(f"{method}:before")
        answer = await call()
        await self._reach(f"{method}:after")
        return answer

    async def _reach(self, point: str) -> None:
        self.reached.append(point)
        self._counts[point] += 1
        fault = self._planned.get((point, self._counts[point]))
        if fault is not None:
            await fault(point)

    @classmethod
    def from_environment(cls) -> Faults:
        """The fault that `PYFLOW_FAULT` names, for processes that a test starts; none if it is not set.

        Nothing reads the variable but this, so that no process dies of it unless its harness asked.
        """
        faults = cls()
        text = os.environ.get(ENVIRONMENT)
        if text:
            method, _, rest = text.partition(":")
            moment, _, occurrence = rest.partition(":")
            if moment not in ("before", "after") or not occurrence.isdecimal():
                raise InvalidOptionError(f"{ENVIRONMENT}={text!r} is no fault: write it as commit:after:7")
            faults.at(f"{method}:{moment}", int(occurrence), kill_process)
        return faults


async def raise_commit_unknown(point: str) -> NoReturn:
    """The commit failed, and nobody knows whether it took effect; what only reads is unavailable."""
    method = point.partition(":")[0]
    error = CommitUnknownError if method in WRITES else StoreUnavailableError
    await asyncio.sleep(0)
    raise error(f"a fault was injected at {point}")


async def kill_process(point: str) -> NoReturn:
    """Kill this process, so that nothing of it runs any more."""
    del point
    os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.Event().wait()
    raise AssertionError


def crash(kill: Callable[[], Awaitable[object]]) -> Fault:
    """Let `kill` (such as `Worker.kill`) end the worker; the call that was under way never comes back."""

    async def strike(point: str) -> None:
        del point
        death = asyncio.ensure_future(kill())
        _deaths.add(death)
        death.add_done_callback(_deaths.discard)
        await asyncio.Event().wait()

    return strike


_deaths: set[asyncio.Future[object]] = set()
