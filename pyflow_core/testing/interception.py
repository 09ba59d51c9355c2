"""A state service with something around each of its asynchronous methods; any implementation will do."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyflow_core.ports.state import WorkflowStateService

Around = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Is given a method's name and the way to call it, and gives the answer."""


class _Intercepted:
    def __init__(self, inner: WorkflowStateService, around: Around) -> None:
        self._inner = inner
        self._around = around

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found) or name in ("open", "close"):
            return found

        async def method(*args: Any, **kwargs: Any) -> Any:
            return await self._around(name, functools.partial(found, *args, **kwargs))

        # Found by the next look-up itself: there are many, and making a function each time costs.
        vars(self)[name] = method
        return method


def intercept(inner: WorkflowStateService, around: Around) -> WorkflowStateService:
    """`inner`, with `around` called in place of each asynchronous method but `open` and `close`."""
    return cast("WorkflowStateService", _Intercepted(inner, around))
