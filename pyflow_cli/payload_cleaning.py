"""One collection from the command line: all runs past retention, and one sweep."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pyflow_core.payload.collection import Collector
from pyflow_core.ports.payload import display
from pyflow_core.ports.state import RunFilter, RunStatus

if TYPE_CHECKING:
    from pyflow_core.ports.payload import PayloadService
    from pyflow_core.ports.state import WorkflowStateService

_PAGE = 200
_SETTLED = tuple(status for status in RunStatus if status.settled)


@dataclass
class Cleaned:
    """What was done, or in a dry run would be. `listed` and `young` count the objects of the store."""

    dry_run: bool
    purged: list[str] = field(default_factory=list[str])
    failures: dict[str, str] = field(default_factory=dict[str, str])
    orphans: list[str] = field(default_factory=list[str])
    listed: int = 0
    young: int = 0

    def form(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


async def clean(
    state: WorkflowStateService, store: PayloadService, retention: float | None, *, dry_run: bool
) -> Cleaned:
    """Purge what is past `retention` (in seconds; None purges nothing), then sweep.

    Raises:
        StoreError, PayloadError: a store cannot be used; what was begun is taken up by the next collection.
    """
    done = Cleaned(dry_run)
    collector = Collector([store], state.ledger)
    if retention is not None and dry_run:
        done.purged = await _expired(state, retention)
    elif retention is not None:
        await _purge(collector, retention, done)
    swept = await collector.sweep(dry_run=dry_run)
    done.orphans = [display(name, key) for name, keys in swept.orphans.items() for key in keys]
    done.listed, done.young = swept.listed, swept.young
    return done


async def _purge(collector: Collector, retention: float, done: Cleaned) -> None:
    while True:
        report = await collector.purge(retention)
        done.purged += report.purged
        done.failures |= report.failures
        if not report.purged:  # those that fail come again, after all others
            return


async def _expired(state: WorkflowStateService, retention: float) -> list[str]:
    until = await state.ledger.now() - retention
    found: list[str] = []
    cursor = None
    while True:
        page = await state.list_runs(RunFilter(statuses=_SETTLED, limit=_PAGE, cursor=cursor))
        found += [run.run_id for run in page.runs if run.finished_at is not None and run.finished_at <= until]
        cursor = page.next_cursor
        if cursor is None:
            return found
