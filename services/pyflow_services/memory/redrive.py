"""Opening a run again: what is tried again, what is archived, what stays."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import (
    OMITTED,
    Entry,
    Redriven,
    RedrivePlan,
    RunStatus,
    StepRecord,
    StepStatus,
)

if TYPE_CHECKING:
    from pyflow_services.memory.table import RunRow, Tables

_OPENED = frozenset({RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.BLOCKED})


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a history is cut: the number that ended the run (infinite: none did), and the steps on either side."""

    number: float
    retried: str | None
    archived: tuple[StepRecord, ...]
    again: tuple[StepRecord, ...]


def plan(row: RunRow) -> RedrivePlan | None:
    """What a re-drive would do."""
    if row.record.status not in _OPENED:
        return None
    cut = _cut(row)
    completed = tuple(step.step_name for step in cut.archived if step.status is StepStatus.COMPLETED)
    return RedrivePlan(cut.retried, tuple(step.step_name for step in cut.archived), completed)


def redrive(tables: Tables, row: RunRow) -> Redriven | None:
    """Open a failed or cancelled run as a new generation; make a blocked one ready."""
    if row.record.status not in _OPENED or row.purging_at is not None:
        return None
    with tables.commit("redrive", news=True):
        if row.record.status is RunStatus.BLOCKED:
            unblock(tables, row)
            return Redriven(row.record.generation, None, ())
        return _open_again(tables, row, _cut(row))


def unblock(tables: Tables, row: RunRow) -> None:
    """Make a blocked run ready, in the same generation."""
    row.blocked_hash = None
    tables.change_run(row, status=RunStatus.RUNNING, error=None, takeovers=0)
    tables.tell(row, EventType.RUN_UNBLOCKED)
    tables.offer_withheld(row)
    tables.wake(row)


def _cut(row: RunRow) -> _Cut:
    if row.record.status is RunStatus.BLOCKED:
        return _Cut(math.inf, None, (), ())
    failed = _failed_step(row)
    number = _ending_number(row, failed)
    steps = row.steps_as_asked()
    return _Cut(
        number,
        None if failed is None else failed.step_name,
        tuple(step for step in steps if step.asked_at >= number),
        tuple(step for step in steps if step.asked_at < number and _is_tried_again(row, step, number)),
    )


def _failed_step(row: RunRow) -> StepRecord | None:
    error = row.record.error
    if row.record.status is not RunStatus.FAILED or error is None or error.step_name is None:
        return None
    step = row.steps.get(error.step_name)
    return step if step is not None and step.status is StepStatus.FAILED else None


def _ending_number(row: RunRow, failed: StepRecord | None) -> float:
    if failed is not None and failed.seq is not None:
        return failed.seq
    if row.record.status is RunStatus.CANCELLED:
        return min((entry.seq for entry in row.entries()), default=math.inf)
    return math.inf


def _is_tried_again(row: RunRow, step: StepRecord, number: float) -> bool:
    """The failed step, what failed after it, and what was cancelled because of it."""
    if step.status is StepStatus.FAILED:
        return step.seq is not None and step.seq >= number
    return step.status is StepStatus.CANCELLED and row.dropped.get(step.step_name, math.inf) >= number


def _open_again(tables: Tables, row: RunRow, cut: _Cut) -> Redriven:
    row.archive += [(row.record.generation, step) for step in cut.archived]
    for step in cut.archived:
        tables.remove_step(row, step.step_name)
    for step in cut.again:
        row.dropped.pop(step.step_name, None)
        tables.put_step(row, _as_new(step))
    again = {step.step_name for step in cut.again}
    row.numbered = [(seq, what) for seq, what in row.numbered if _is_kept(row, seq, what, again, cut.number)]
    tables.change_run(
        row,
        status=RunStatus.RUNNING,
        generation=row.record.generation + 1,
        seq=row.numbered[-1][0] if row.numbered else 0,
        takeovers=0,
        output=OMITTED,
        error=None,
        finished_at=None,
    )
    tables.tell(row, EventType.RUN_REDRIVEN, detail=cut.retried)
    tables.wake(row)
    return Redriven(row.record.generation, cut.retried, tuple(step.step_name for step in cut.archived))


def _is_kept(row: RunRow, seq: int, what: str | Entry, again: set[str], number: float) -> bool:
    return seq < number if isinstance(what, Entry) else what in row.steps and what not in again


def _as_new(step: StepRecord) -> StepRecord:
    # The epoch stays, so that whoever held the step in the old generation cannot write.
    return replace(
        step,
        status=StepStatus.PENDING,
        seq=None,
        output=OMITTED,
        error=None,
        attempts=0,
        deaths=0,
        worker=None,
        cancel_requested=False,
        due_at=None,
        started_at=None,
        finished_at=None,
    )
