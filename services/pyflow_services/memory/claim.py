"""Claims: one winner each, and only for a worker that has a lease."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import ParkedRun, RunClaim, RunStatus, StepClaim, StepRecord, StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyflow_services.memory.table import RunRow, Tables


def claim_run(tables: Tables, run_id: str, worker_id: str, parked: Mapping[str, ParkedRun]) -> RunClaim | None:
    """Claim one ready run."""
    if run_id not in tables.ready or worker_id not in tables.leases:
        return None
    with tables.commit("claim_run"):
        return _take_run(tables, tables.runs[run_id], worker_id, parked.get(run_id))


def claim_runs(
    tables: Tables, worker_id: str, workflows: Sequence[str], limit: int, parked: Mapping[str, ParkedRun]
) -> list[RunClaim]:
    """Claim ready runs, longest ready first."""
    if limit < 1 or worker_id not in tables.leases or _next_run(tables, worker_id, workflows) is None:
        return []
    with tables.commit("claim_runs"):
        claims: list[RunClaim] = []
        while len(claims) < limit and (run_id := _next_run(tables, worker_id, workflows)) is not None:
            claims.append(_take_run(tables, tables.runs[run_id], worker_id, parked.get(run_id)))
        return claims


def _next_run(tables: Tables, worker_id: str, workflows: Sequence[str]) -> str | None:
    return tables.ready.longest(workflows, worker_id, tables.clock())


def _take_run(tables: Tables, row: RunRow, worker_id: str, cached: ParkedRun | None) -> RunClaim:
    before = row.record.epoch
    tables.change_run(row, status=RunStatus.RUNNING, owner=worker_id, epoch=before + 1)
    tables.tell(row, EventType.RUN_CLAIMED, worker=worker_id)
    record = row.record
    goes_on = cached is not None and cached.epoch == before
    return RunClaim(
        run_id=record.run_id,
        workflow=record.workflow,
        epoch=record.epoch,
        generation=record.generation,
        after=cached.delivered if cached is not None and goes_on else None,
        fresh=row.after(cached.delivered) if cached is not None and goes_on else (),
        history=None if goes_on else row.history(),
    )


def claim_step(tables: Tables, run_id: str, step_name: str, worker_id: str) -> StepClaim | None:
    """Claim one pending step that is due."""
    row = tables.runs.get(run_id)
    step = None if row is None else row.steps.get(step_name)
    if row is None or step is None or worker_id not in tables.leases or not _is_claimable(tables, step):
        return None
    with tables.commit("claim_step"):
        return _take_step(tables, row, step, worker_id)


def _is_claimable(tables: Tables, step: StepRecord) -> bool:
    is_due = step.due_at is None or step.due_at <= tables.clock()
    is_pending = step.status is StepStatus.PENDING and step.queue is not None
    return is_pending and is_due and not tables.is_withheld(step)


def claim_steps(tables: Tables, worker_id: str, slots: Mapping[str, int]) -> list[StepClaim]:
    """Claim pending, due steps of several queues."""
    ready = [queue for queue, free in slots.items() if free > 0 and _first_due(tables, queue) is not None]
    if worker_id not in tables.leases or not ready:
        return []
    with tables.commit("claim_steps"):
        return [claim for queue in ready for claim in _take_steps(tables, worker_id, queue, slots[queue])]


def _first_due(tables: Tables, queue: str) -> tuple[str, str] | None:
    first = tables.due.first(queue)
    return first[1] if first is not None and first[0] <= tables.clock() else None


def _take_steps(tables: Tables, worker_id: str, queue: str, free: int) -> list[StepClaim]:
    claims: list[StepClaim] = []
    while len(claims) < free and (key := _first_due(tables, queue)) is not None:
        row = tables.runs[key[0]]
        claims.append(_take_step(tables, row, row.steps[key[1]], worker_id))
    return claims


def _take_step(tables: Tables, row: RunRow, step: StepRecord, worker_id: str) -> StepClaim:
    taken = replace(
        step,
        status=StepStatus.RUNNING,
        worker=worker_id,
        epoch=step.epoch + 1,
        attempts=step.attempts + 1,
        due_at=None,
        started_at=tables.clock(),
    )
    tables.put_step(row, taken)
    tables.tell(row, EventType.STEP_STARTED, step=taken, worker=worker_id)
    return _claim_of(row, taken)


def held_steps(tables: Tables, worker_id: str) -> list[StepClaim]:
    """The steps that a worker holds."""
    rows = ((tables.runs[run_id], name) for run_id, name in tables.held.get(worker_id, {}))
    return [_claim_of(row, row.steps[name]) for row, name in rows]


def _claim_of(row: RunRow, step: StepRecord) -> StepClaim:
    return StepClaim(
        run_id=step.run_id,
        workflow=row.record.workflow,
        generation=row.record.generation,
        step_name=step.step_name,
        rpc_name=step.rpc_name or "",
        queue=step.queue or "",
        options=step.options,
        input=step.input,
        epoch=step.epoch,
        attempts=step.attempts,
        deaths=step.deaths,
        tenant=row.record.tenant,
        inline_bytes=row.inline_bytes.get(step.step_name, 0),
    )
