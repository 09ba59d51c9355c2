"""What people and the relay read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import naming
from pyflow_core.errors import InvalidOptionError
from pyflow_core.ports.state import Job, RunFilter, RunPage, RunRecord, RunStatus, RunSummary, StepStatus
from pyflow_services.memory.activation import open_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_services.memory.index import JobKey
    from pyflow_services.memory.table import RunRow, Tables

_DONE = frozenset({StepStatus.COMPLETED, StepStatus.FAILED})


def list_runs(tables: Tables, query: RunFilter) -> RunPage:
    """One page of runs, newest first. The cursor is the place of the last run shown, which no later run moves."""
    found: list[RunRow] = []
    before = None if query.cursor is None else _place(query.cursor)
    for place in tables.catalogue.newest(query.workflow, query.tag, query.statuses, before):
        row = tables.runs.get(tables.catalogue.run_ids[place])
        if row is None:  # it was purged
            continue
        if query.since is not None and row.record.created_at < query.since:
            break
        if _matches(row.record, query):
            found.append(row)
        if len(found) > query.limit:
            break
    page = found[: query.limit]
    more = len(found) > query.limit and bool(page)
    return RunPage(tuple(map(_summary, page)), str(page[-1].place) if more else None)


def _place(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit():
        raise InvalidOptionError(f"this is no cursor of a list of runs: {cursor!r}")
    return int(cursor)


def _matches(record: RunRecord, query: RunFilter) -> bool:
    return (
        (query.workflow is None or record.workflow == query.workflow)
        and (not query.statuses or record.status in query.statuses)
        and (query.tag is None or query.tag in record.tags)
    )


def _summary(row: RunRow) -> RunSummary:
    record = row.record
    return RunSummary(
        run_id=record.run_id,
        workflow=record.workflow,
        status=record.status,
        steps_done=sum(step.status in _DONE for step in row.steps.values()),
        steps_open=len(open_steps(row.steps.values())),
        error=record.error,
        tags=record.tags,
        created_at=record.created_at,
        updated_at=record.updated_at,
        finished_at=record.finished_at,
    )


def settled(tables: Tables, run_ids: Sequence[str]) -> dict[str, RunRecord]:
    """Those of these runs that have settled or are blocked."""
    records = (tables.runs[run_id].record for run_id in run_ids if run_id in tables.runs)
    return {record.run_id: record for record in records if record.status.settled or record.status is RunStatus.BLOCKED}


def unqueued(tables: Tables, older_than: float, limit: int) -> list[Job]:
    """Jobs that are to be put on their queues."""
    return [_job(tables, key) for key in tables.outbox.offers(tables.clock(), older_than, limit)]


def _job(tables: Tables, key: JobKey) -> Job:
    run_id, step_name = key
    row = tables.runs[run_id]
    workflow = row.record.workflow
    if step_name is None:
        return Job(naming.orchestrator_queue(workflow), naming.run_task(workflow), run_id)
    step = row.steps[step_name]
    queue = step.queue or naming.step_queue(workflow, step_name)
    literal_or_pattern = queue.removeprefix(naming.step_queue(workflow, ""))
    return Job(queue, naming.step_task(workflow, literal_or_pattern), run_id, step_name, step.due_at)


def mark_queued(tables: Tables, jobs: Sequence[Job]) -> None:
    """Note that these jobs are on their queues."""
    with tables.commit("mark_queued"):
        now = tables.clock()
        for job in jobs:
            tables.outbox.mark((job.run_id, job.step_name), now)
