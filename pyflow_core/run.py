"""Runs as callers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pyflow_core.errors import ResultTimeoutError, RunBlockedError, RunCancelledError, RunFailedError
from pyflow_core.ports.state import RunRecord, RunStatus, RunSummary

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from pyflow_core.client import Client

Out = TypeVar("Out")
T = TypeVar("T")

Run = RunRecord
"""A run as `get_run` gives it."""


class RunHandle(Generic[Out]):
    """A run that was started or named; `Out` is the type of its output."""

    def __init__(self, client: Client, workflow: str, run_id: str) -> None:
        self._client = client
        self._workflow = workflow
        self.run_id = run_id

    def __repr__(self) -> str:
        return f"RunHandle({self._workflow!r}, {self.run_id!r})"

    async def result(self, timeout: float | None = None) -> Out:  # noqa: ASYNC109 - what callers of handles expect
        """The output, once the run has completed. `timeout` is in seconds.

        Raises:
            RunFailedError, RunCancelledError, RunBlockedError: it ended otherwise, or it cannot go on.
            ResultTimeoutError: it has not ended in time; it goes on.
            UnknownRunError: there is no such run.
        """
        return cast("Out", await self._client.result(self._workflow, self.run_id, timeout=timeout))

    async def status(self) -> RunStatus:
        """Where the run stands.

        Raises:
            UnknownRunError: there is no such run.
        """
        return (await self._client.get_run(self.run_id)).status

    async def cancel(self) -> None:
        """Ask the run to stop; its handlers may still ask for steps. A settled run stays as it is.

        Raises:
            UnknownRunError: there is no such run.
        """
        await self._client.cancel_run(self.run_id)


class BlockingRunHandle(Generic[Out]):
    """A `RunHandle` for code without an event loop."""

    def __init__(self, handle: RunHandle[Out]) -> None:
        self._handle = handle
        self.run_id = handle.run_id

    def result(self, timeout: float | None = None) -> Out:
        """See `RunHandle.result`."""
        return _call(self._handle.result(timeout))

    def status(self) -> RunStatus:
        """See `RunHandle.status`."""
        return _call(self._handle.status())

    def cancel(self) -> None:
        """See `RunHandle.cancel`."""
        _call(self._handle.cancel())


def _call(work: Coroutine[Any, Any, T]) -> T:
    from pyflow_core.portal import portal

    return portal.call(work)


def settled_error(run: RunRecord) -> Exception:
    """The exception for a run that did not complete."""
    kinds = {RunStatus.FAILED: RunFailedError, RunStatus.CANCELLED: RunCancelledError}
    return kinds.get(run.status, RunBlockedError)(run.run_id, run.workflow, run.error)


__all__ = ["BlockingRunHandle", "ResultTimeoutError", "Run", "RunHandle", "RunStatus", "RunSummary", "settled_error"]
