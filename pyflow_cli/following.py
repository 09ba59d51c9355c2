"""Showing on standard error how a run gets on."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from pyflow_cli.output import one_line
from pyflow_cli.table import duration_text, shorten
from pyflow_core.ports.event import EventType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyflow_cli.output import Output
    from pyflow_core.ports.state import RunEvent, WorkflowStateService

_POLL_SECONDS = 0.1
_LINE = 100

_ENDED: Mapping[str, str] = {
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_FAILED: "failed",
    EventType.STEP_CANCELLED: "cancelled",
    EventType.STEP_RETRIED: "failed and is tried again",
    EventType.STEP_WORKER_LOST: "lost its worker and is tried again",
}


async def pause(since: float) -> None:
    """Wait before looking again: longer where looking took long, so that it stays a tenth of the time at most."""
    await asyncio.sleep(max(_POLL_SECONDS, 10 * (time.monotonic() - since)))


class EventTail:
    """The events of one run that are new since the last look."""

    def __init__(self, state: WorkflowStateService, run_id: str) -> None:
        self._state = state
        self._run_id = run_id
        self._last = 0

    async def fresh(self) -> list[RunEvent]:
        """What has happened since."""
        events = [event for event in await self._state.list_events(self._run_id) if event.id > self._last]
        if events:
            self._last = events[-1].id
        return events


class Progress:
    """The steps of a run as they end: a line each, or on a terminal one line that changes."""

    def __init__(self, output: Output, state: WorkflowStateService, run_id: str) -> None:
        self._output = output
        self._tail = EventTail(state, run_id)
        self._live = sys.stderr.isatty() and not output.quiet
        self._started: dict[str, float] = {}
        self._done = 0
        self._began = time.monotonic()

    async def follow(self) -> None:
        """Show it until cancelled."""
        while True:
            since = time.monotonic()
            await self.show()
            await pause(since)

    async def show(self) -> None:
        """Show what has happened since the last time."""
        if self._output.quiet:
            return
        for event in await self._tail.fresh():
            self._note(event)
        if self._live:
            self._rewrite(self._line())

    async def finish(self) -> None:
        """Show what is left, and take the line that changes away."""
        await self.show()
        self.clear()

    def clear(self) -> None:
        """Take the line that changes away."""
        if self._live:
            self._rewrite("")

    def _note(self, event: RunEvent) -> None:
        name = event.step_name
        if name is None:
            return
        if event.type == EventType.STEP_STARTED:
            self._started[name] = event.at
        ended = _ENDED.get(event.type)
        if ended is None:
            return
        started_at = self._started.pop(name, None)
        self._done += event.type in (EventType.STEP_COMPLETED, EventType.STEP_FAILED)
        if not self._live:
            took = "" if started_at is None else f" ({duration_text(event.at - started_at)})"
            detail = f": {one_line(event.detail)}" if event.detail else ""
            self._output.prose(f"  {one_line(name)} {ended}{took}{detail}")

    def _line(self) -> str:
        running = ", ".join(one_line(name) for name in self._started)
        elapsed = duration_text(time.monotonic() - self._began)
        return shorten(f"  {self._done} done, {elapsed}" + (f", running: {running}" if running else ""), _LINE)

    def _rewrite(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
