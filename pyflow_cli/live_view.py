"""What happens to runs, line by line, for `pyflow dev`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pyflow_cli.following import EventTail, pause
from pyflow_core.ports.state import RunFilter, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.ports.state import RunEvent, WorkflowStateService

_NEWEST = 50
_OPEN = 200
_UNSETTLED = (RunStatus.RUNNING, RunStatus.WAITING, RunStatus.BLOCKED)


class LiveView:
    """Tells of every event of every run from now on."""

    def __init__(self, state: WorkflowStateService, tell: Callable[[RunEvent, str], None]) -> None:
        self._state = state
        self._tell = tell
        self._since = state.now()
        self._tails: dict[str, EventTail] = {}
        self._updated_at: dict[str, float] = {}
        self._open: dict[str, str] = {}

    async def follow(self) -> None:
        """Tell until cancelled."""
        while True:
            since = time.monotonic()
            await self.show()
            await pause(since)

    async def show(self) -> None:
        """Tell what has happened since the last time."""
        fresh: list[tuple[RunEvent, str]] = []
        for run_id, workflow in (await self._moved()).items():
            tail = self._tails.setdefault(run_id, EventTail(self._state, run_id))
            fresh += [(event, workflow) for event in await tail.fresh() if event.at >= self._since]
        for event, workflow in sorted(fresh, key=lambda told: (told[0].at, told[0].id)):
            self._tell(event, workflow)

    async def _moved(self) -> dict[str, str]:
        """The workflows of the runs that may have changed, by run."""
        newest = await self._state.list_runs(RunFilter(limit=_NEWEST))
        still_open = await self._state.list_runs(RunFilter(statuses=_UNSETTLED, limit=_OPEN))
        # What was open and is listed no more has ended since.
        moved = dict(self._open)
        self._open = {run.run_id: run.workflow for run in still_open.runs}
        for run in (*newest.runs, *still_open.runs):
            if self._updated_at.get(run.run_id) != run.updated_at or run.steps_open:
                moved[run.run_id] = run.workflow
            self._updated_at[run.run_id] = run.updated_at
        return moved
