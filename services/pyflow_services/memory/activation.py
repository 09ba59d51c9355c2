"""One turn of an execution: check every fence, then write all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyflow_core.errors import OvertakenError, StaleLeaseError
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import (
    OMITTED,
    Activation,
    Committed,
    InlineRetry,
    NewStep,
    RunStatus,
    Settlement,
    StepForm,
    StepRecord,
    StepResult,
    StepStatus,
)
from pyflow_services.memory.table import BY_SETTLEMENT, OPEN_STEPS, RunRow, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.errors import ErrorInfo
    from pyflow_core.ports.state import Envelope

SETTLEMENT_EVENTS = {
    RunStatus.COMPLETED: EventType.RUN_COMPLETED,
    RunStatus.FAILED: EventType.RUN_FAILED,
    RunStatus.CANCELLED: EventType.RUN_CANCELLED,
    RunStatus.BLOCKED: EventType.RUN_BLOCKED,
}


def commit(tables: Tables, turn: Activation) -> Committed:
    """Write one turn, or refuse all of it."""
    row = _owned_row(tables, turn)
    for result in turn.results:
        _check_result(row, turn.worker_id, result)
    for retry in turn.retries:
        _check_inline(row, turn.worker_id, retry.step_name)
    _check_names(row, turn)
    if turn.exact and row.record.seq != turn.delivered:
        raise OvertakenError(f"run {turn.run_id!r} is at {row.record.seq}, its execution at {turn.delivered}")
    tables.payloads.check(_values(turn))
    with tables.commit("commit", news=_is_news(turn)):
        return _write(tables, row, turn)


def _owned_row(tables: Tables, turn: Activation) -> RunRow:
    row = tables.runs.get(turn.run_id)
    if row is None or row.record.owner != turn.worker_id or row.record.epoch != turn.epoch:
        raise StaleLeaseError(f"worker {turn.worker_id!r} no longer owns run {turn.run_id!r}")
    return row


def _check_result(row: RunRow, worker_id: str, result: StepResult) -> None:
    if result.form is StepForm.INLINE:
        _check_inline(row, worker_id, result.step_name)
        return
    step = row.steps.get(result.step_name)
    if step is None or not holds_step(step, worker_id, result.epoch):
        raise _lost(worker_id, result.step_name)


def _check_inline(row: RunRow, worker_id: str, step_name: str) -> None:
    step = row.steps.get(step_name)
    if step is not None and (step.form is not StepForm.INLINE or step.status is not StepStatus.PENDING):
        raise _lost(worker_id, step_name)


def _lost(worker_id: str, step_name: str) -> StaleLeaseError:
    return StaleLeaseError(f"worker {worker_id!r} no longer owns step {step_name!r}")


def _check_names(row: RunRow, turn: Activation) -> None:
    # The engine refuses a name that is used twice; here it can only mean that the row was not what it had read.
    for name in (ask.step_name for ask in turn.asks):
        if name in row.steps:
            raise StaleLeaseError(f"step {name!r} of run {turn.run_id!r} has been asked for already")


def holds_step(step: StepRecord, worker_id: str, epoch: int) -> bool:
    """Whether a worker holds a step under this epoch."""
    return step.status is StepStatus.RUNNING and step.worker == worker_id and step.epoch == epoch


def _values(turn: Activation) -> list[Envelope]:
    values = [*(result.output for result in turn.results), *(ask.input for ask in turn.asks)]
    return values if turn.settle is None else [*values, turn.settle.output]


def _is_news(turn: Activation) -> bool:
    return turn.settle is not None or bool(turn.cancels) or any(not ask.claimed for ask in turn.asks)


def _write(tables: Tables, row: RunRow, turn: Activation) -> Committed:
    fed = turn.delivered + (len(turn.results) if turn.exact else 0)
    for result in turn.results:
        record_result(tables, row, result, turn.worker_id)
    for retry in turn.retries:
        _record_inline_retry(tables, row, retry, turn.worker_id)
    for ask in turn.asks:
        _record_ask(tables, row, ask, turn.worker_id)
    for name in turn.cancels:
        _cancel(tables, row, name, fed)
    parked = False
    if turn.settle is not None:
        settle(tables, row, turn.settle, turn.worker_id)
    elif turn.park and row.record.seq == fed:
        parked = True
        _park(tables, row, turn.worker_id)
    return Committed(row.record.seq, parked)


def record_result(tables: Tables, row: RunRow, result: StepResult, worker_id: str) -> int:
    """Give a result the next number and write it into its step's row."""
    seq = tables.number(row, result.step_name)
    tables.payloads.refer(row.record.run_id, result.output)
    known = row.steps.get(result.step_name) or _inline_row(tables, row, result)
    step = replace(
        known,
        status=StepStatus.COMPLETED if result.error is None else StepStatus.FAILED,
        seq=seq,
        output=result.output,
        error=result.error,
        attempts=result.attempts,
        worker=worker_id,
        due_at=None,
        started_at=known.started_at if result.form is StepForm.RPC else result.started_at,
        finished_at=result.finished_at,
    )
    tables.put_step(row, step)
    kind = EventType.STEP_COMPLETED if result.error is None else EventType.STEP_FAILED
    tables.tell(row, kind, seq=seq, step=step, worker=worker_id, detail=describe(result.error))
    return seq


def describe(error: ErrorInfo | None) -> str | None:
    """An error in one line, for the event log."""
    return None if error is None else f"{error.type}: {error.message}"


def _inline_row(tables: Tables, row: RunRow, source: StepResult | InlineRetry) -> StepRecord:
    now = tables.clock()
    return StepRecord(
        run_id=row.record.run_id,
        step_name=source.step_name,
        form=StepForm.INLINE,
        rpc_name=None,
        queue=None,
        description=source.description,
        options=source.options,
        input=OMITTED,
        input_sha256=None,
        output=OMITTED,
        error=None,
        status=StepStatus.PENDING,
        asked_at=source.asked_at,
        seq=None,
        attempts=0,
        deaths=0,
        worker=None,
        epoch=0,
        cancel_requested=False,
        due_at=None,
        scheduled_at=source.started_at if isinstance(source, StepResult) else now,
        started_at=None,
        finished_at=None,
    )


def _record_inline_retry(tables: Tables, row: RunRow, retry: InlineRetry, worker_id: str) -> None:
    known = row.steps.get(retry.step_name) or _inline_row(tables, row, retry)
    step = replace(known, attempts=retry.attempts, error=retry.error, due_at=retry.due_at)
    tables.put_step(row, step)
    tables.tell(row, EventType.STEP_RETRIED, step=step, worker=worker_id, detail=describe(retry.error))


def _record_ask(tables: Tables, row: RunRow, ask: NewStep, worker_id: str) -> None:
    now = tables.clock()
    tables.payloads.refer(row.record.run_id, ask.input)
    row.inline_bytes[ask.step_name] = ask.inline_bytes
    step = StepRecord(
        run_id=row.record.run_id,
        step_name=ask.step_name,
        form=StepForm.RPC,
        rpc_name=ask.rpc_name,
        queue=ask.queue,
        description=ask.description,
        options=ask.options,
        input=ask.input,
        input_sha256=ask.input_sha256,
        output=OMITTED,
        error=None,
        status=StepStatus.RUNNING if ask.claimed else StepStatus.PENDING,
        asked_at=ask.asked_at,
        seq=None,
        attempts=1 if ask.claimed else 0,
        deaths=0,
        worker=worker_id if ask.claimed else None,
        epoch=1 if ask.claimed else 0,
        cancel_requested=False,
        due_at=None,
        scheduled_at=now,
        started_at=now if ask.claimed else None,
        finished_at=None,
    )
    tables.put_step(row, step)
    tables.tell(row, EventType.STEP_SCHEDULED, step=replace(step, attempts=0))
    if ask.claimed:
        tables.tell(row, EventType.STEP_STARTED, step=step, worker=worker_id)


def _cancel(tables: Tables, row: RunRow, name: str, fed: int) -> None:
    step = row.steps.get(name)
    if step is None or step.status not in OPEN_STEPS:
        return
    row.dropped[name] = fed
    if step.status is StepStatus.PENDING:
        tables.cancel_step(row, step)
    elif not step.cancel_requested:
        tables.put_step(row, replace(step, cancel_requested=True))
        tables.tell(row, EventType.STEP_STOP_REQUESTED, step=step)


def _park(tables: Tables, row: RunRow, worker_id: str) -> None:
    row.last_owner = worker_id
    tables.change_run(row, owner=None, status=RunStatus.WAITING)
    tables.tell(row, EventType.RUN_PARKED, worker=worker_id)


def settle(tables: Tables, row: RunRow, end: Settlement, worker_id: str | None) -> None:
    """End a run and its open steps, or block it; a blocked run keeps its steps, because it may go on."""
    if end.status.settled:
        cancel_open_steps(tables, row)
    tables.payloads.refer(row.record.run_id, end.output)
    row.blocked_hash = end.code_hash if end.status is RunStatus.BLOCKED else None
    row.last_owner = None
    tables.change_run(
        row,
        status=end.status,
        output=end.output,
        error=end.error,
        owner=None,
        finished_at=tables.clock() if end.status.settled else None,
    )
    tables.tell(row, SETTLEMENT_EVENTS[end.status], worker=worker_id, detail=describe(end.error))


def cancel_open_steps(tables: Tables, row: RunRow) -> None:
    """Cancel every step that has not ended, because the run has."""
    for step in open_steps(row.steps.values()):
        row.dropped[step.step_name] = min(row.dropped.get(step.step_name, BY_SETTLEMENT), BY_SETTLEMENT)
        tables.cancel_step(row, step)


def open_steps(steps: Iterable[StepRecord]) -> list[StepRecord]:
    """Steps that have not ended."""
    return [step for step in steps if step.status in OPEN_STEPS]
