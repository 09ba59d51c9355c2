"""What goes on inside a test's engine, so that virtual time passes only when nothing else can happen."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyflow_core.engine.runtime import Runtime
from pyflow_core.testing.interception import intercept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from pyflow_core.context import Step
    from pyflow_core.ports.state import WorkflowStateService
    from pyflow_core.wiring import RpcDefinition

QUIET_TURNS = 12
"""After so many turns of the loop in which nothing began or ended, nothing will without time passing."""

_LOOKS = frozenset({"numbers", "settled", "get_run", "next_due", "revoked", "live_workers", "unqueued"})


class Activity:
    """Counts calls of the store and of users' functions.

    `progress` counts what changes something; looking at a store is none.
    """

    def __init__(self) -> None:
        self.functions = 0
        self.progress = 0
        self._calls = 0
        self._count = 0
        self._changed = asyncio.Event()

    def around(self, state: WorkflowStateService) -> WorkflowStateService:
        """The service, its calls counted."""
        return intercept(state, self._call)

    @contextmanager
    def function(self) -> Generator[None]:
        """Around a function of the user's."""
        self.functions += 1
        self.progress += 1
        self._note()
        try:
            yield
        finally:
            self.functions -= 1
            self._note()

    async def quiet(self) -> None:
        """Return when nothing happens any more, but for functions of the user's that still run."""
        turns, seen = 0, -1
        while turns < QUIET_TURNS:
            if self._calls:
                await self.change()
            await asyncio.sleep(0)
            turns = turns + 1 if self._count == seen else 0
            seen = self._count

    async def change(self) -> None:
        """Return when something begins or ends."""
        self._changed.clear()
        await self._changed.wait()

    def wake(self) -> None:
        """Let whoever waits for a change look again."""
        self._changed.set()

    def _note(self) -> None:
        self._count += 1
        self._changed.set()

    async def _call(self, method: str, call: Callable[[], Awaitable[Any]]) -> Any:
        self._calls += 1
        self._note()
        try:
            answer = await call()
        finally:
            self._calls -= 1
            self._note()
        if method not in _LOOKS and answer not in (None, (), [], 0):
            self.progress += 1
        return answer


class WatchedRuntime(Runtime):
    """Calls users' functions and tells of it."""

    activity: Activity

    async def call_rpc(self, definition: RpcDefinition, data: Any, step: Step | None) -> Any:
        """See `Runtime`."""
        with self.activity.function():
            return await super().call_rpc(definition, data, step)

    async def within(self, seconds: float | None, awaitable: Awaitable[Any]) -> Any:
        """See `Runtime`."""
        with self.activity.function():
            return await super().within(seconds, awaitable)
