"""Whether the payloads of runs are what was written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyflow_cli.payload_row import payload_rows
from pyflow_core.errors import PayloadError, PayloadStoreUnavailableError
from pyflow_core.ports.state import RunFilter

if TYPE_CHECKING:
    from pyflow_cli.payload_row import PayloadRow
    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.state import WorkflowStateService

_PAGE = 200
_AT_ONCE = 8


@dataclass
class Checked:
    """What was found: how many runs and payloads, and those that are bad, each with the reason.

    `purging` are the runs of which something is gone because they are being purged, each with why that did not get
    through the last time, if it did not. What they miss is no damage, and they are not among `runs`.
    """

    runs: int = 0
    payloads: int = 0
    purging: dict[str, str | None] = field(default_factory=dict[str, str | None])
    bad: list[tuple[PayloadRow, PayloadError]] = field(default_factory=list["tuple[PayloadRow, PayloadError]"])


class PayloadCheck:
    """Reads payloads whole, from their store and from no cache; each once, however many rows refer to it."""

    def __init__(self, state: WorkflowStateService, planes: DataPlanes) -> None:
        self.checked = Checked()
        self._state = state
        self._planes = planes
        self._limit = asyncio.Semaphore(_AT_ONCE)

    async def all_runs(self) -> None:
        """Check every run.

        Raises:
            StoreError: the state or the payload store cannot be used.
        """
        cursor = None
        while True:
            page = await self._state.list_runs(RunFilter(limit=_PAGE, cursor=cursor))
            for run in page.runs:
                await self.run(run.run_id)
            cursor = page.next_cursor
            if cursor is None:
                return

    async def run(self, run_id: str) -> None:
        """Check the payloads of one run; nothing if it is gone meanwhile, or going.

        Raises:
            StoreError: the state or the payload store cannot be used.
        """
        run = await self._state.get_run(run_id)
        if run is None:
            return
        rows: dict[Reference, PayloadRow] = {}
        for row in payload_rows(run, await self._state.list_steps(run_id)):
            rows.setdefault(row.reference, row)  # the first that names it is the step that wrote it
        found = await asyncio.gather(*map(self._error, rows.values()))
        bad = [(row, error) for row, error in zip(rows.values(), found, strict=True) if error is not None]
        if bad and await self._is_purged(run_id):
            return
        self.checked.runs += 1
        self.checked.payloads += len(rows)
        self.checked.bad += bad

    async def _is_purged(self, run_id: str) -> bool:
        """Whether a purge has begun. It is marked before anything goes, so that asking afterwards tells."""
        purge = await self._state.ledger.purge_of(run_id)
        if purge is not None:
            self.checked.purging[run_id] = purge.error
        return purge is not None or await self._state.get_run(run_id) is None

    async def _error(self, row: PayloadRow) -> PayloadError | None:
        async with self._limit:
            plane = await self._planes.of(row.tenant)
            try:
                await plane.reader.verify(row.reference)
            except PayloadStoreUnavailableError:
                raise
            except PayloadError as error:
                return error
            return None
