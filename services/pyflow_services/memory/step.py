"""What the holder of a step may write, each behind its fence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.errors import StaleLeaseError
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import FinishedStep, RunStatus, StepClaim, StepRecord, StepResult, StepRetry
from pyflow_services.memory.activation import describe, holds_step, record_result, settle
from pyflow_services.memory.lease import release as release_row

if TYPE_CHECKING:
    from pyflow_core.ports.state import Settlement
    from pyflow_services.memory.table import RunRow, Tables


def finish(tables: Tables, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
    """Record a result and wake its run."""
    row, _ = _held(tables, claim, worker_id)
    tables.payloads.check([result.output])
    with tables.commit("finish_step", news=True):
        seq = record_result(tables, row, result, worker_id)
        tables.wake(row)
        return FinishedStep(seq, row.record.owner)


def retry(tables: Tables, claim: StepClaim, worker_id: str, failure: StepRetry) -> None:
    """Record a failed attempt and make the step pending again."""
    row, step = _held(tables, claim, worker_id)
    with tables.commit("retry_step", news=True):
        detail = describe(failure.error)
        tables.tell(row, EventType.STEP_RETRIED, step=step, worker=worker_id, detail=detail)
        tables.free_step(row, step, due_at=failure.due_at, error=failure.error)


def release(tables: Tables, claim: StepClaim, worker_id: str) -> None:
    """Give a step back untried."""
    found = _find(tables, claim, worker_id)
    if found is not None:
        with tables.commit("release_step", news=True):
            release_row(tables, *found, worker_id)


def refuse(tables: Tables, claim: StepClaim, worker_id: str, block: Settlement) -> None:
    """Give a step back to nobody, and block its run."""
    row, step = _held(tables, claim, worker_id)
    with tables.commit("refuse_step", news=True):
        release_row(tables, row, step, worker_id)
        tables.withhold((step.run_id, step.step_name))
        if row.record.status in {RunStatus.RUNNING, RunStatus.WAITING}:
            settle(tables, row, block, worker_id)


def is_revoked(tables: Tables, claim: StepClaim, worker_id: str) -> bool:
    """Whether a claim was cancelled or lost."""
    found = _find(tables, claim, worker_id)
    return found is None or found[1].cancel_requested


def _held(tables: Tables, claim: StepClaim, worker_id: str) -> tuple[RunRow, StepRecord]:
    found = _find(tables, claim, worker_id)
    if found is None:
        raise StaleLeaseError(f"worker {worker_id!r} no longer owns step {claim.step_name!r} of {claim.run_id!r}")
    return found


def _find(tables: Tables, claim: StepClaim, worker_id: str) -> tuple[RunRow, StepRecord] | None:
    # The generation too, because an archived step's name may be asked for anew, with epochs from 1.
    row = tables.runs.get(claim.run_id)
    step = None if row is None else row.steps.get(claim.step_name)
    if row is None or step is None or row.record.generation != claim.generation:
        return None
    return (row, step) if holds_step(step, worker_id, claim.epoch) else None
