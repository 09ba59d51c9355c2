"""Between rows and records. Tuples all the way: no row objects, no dictionaries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyflow_core.errors import ErrorInfo
from pyflow_core.ports.state import (
    OMITTED,
    Entry,
    EntryType,
    Envelope,
    Numbered,
    RunHistory,
    RunRecord,
    RunStatus,
    StepForm,
    StepRecord,
    StepStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = tuple[Any, ...]

RUN_COLUMNS = """
    r.run_id, r.workflow, r.status, i.input_inline, i.input_reference, i.input_meta, i.input_context,
    r.output_inline, r.output_reference, r.output_meta, r.output_context, r.error, i.code_hash, r.generation, r.seq,
    r.epoch, r.owner, r.takeovers, i.tags, i.actor, i.tenant, r.created_at, r.updated_at, r.finished_at, r.id,
    (SELECT json_group_array(json_array(e.seq, e.type, e.at)) FROM entries AS e WHERE e.run = r.id)
"""
RUN_TABLES = "runs AS r JOIN run_inputs AS i ON i.run = r.id"
RUN_KEY = 24
"""Where in a row of `RUN_COLUMNS` the number of the run stands; its entries come after it."""

STEP_COLUMNS = """
    s.run, s.step_name, s.form, s.rpc_name, s.queue, s.description, s.options,
    s.input_inline, s.input_reference, s.input_meta, s.input_context, s.input_sha256,
    s.output_inline, s.output_reference, s.output_meta, s.output_context, s.error, s.status, s.asked_at, s.seq,
    s.attempts, s.deaths, s.worker, s.epoch, s.cancel_requested, s.due_at, s.scheduled_at, s.started_at, s.finished_at
"""
STEP_ORDER = "s.asked_at, s.scheduled_at, s.id"
"""As asked for: of steps asked for at once, an inline one's row is written at its end only."""
STEP_SEQ = 19

RUN_STATUS = {status.value: status for status in RunStatus}
_STEP_STATUS = {status.value: status for status in StepStatus}
_STEP_FORM = {form.value: form for form in StepForm}
_ENTRY_TYPE = {kind.value: kind for kind in EntryType}


def error_text(error: ErrorInfo | None) -> str | None:
    """An error as its column holds it."""
    if error is None:
        return None
    fields = (error.type, error.message, error.code, error.retryable, error.step_name, error.fields, error.traceback)
    return json.dumps(fields, ensure_ascii=False)


def error_info(text: str | None) -> ErrorInfo | None:
    """The error of a column."""
    return None if text is None else ErrorInfo(*json.loads(text))


def describe(error: ErrorInfo | None) -> str | None:
    """An error in one line, for the event log."""
    return None if error is None else f"{error.type}: {error.message}"


def _envelope(inline: str | None, reference: str | None, meta: str | None, context: str | None) -> Envelope:
    if inline is None and reference is None and meta is None and context is None:
        return OMITTED
    return Envelope(inline, reference, meta, context)


def run_record(row: Row) -> RunRecord:
    """A run from a row of `RUN_COLUMNS`."""
    return RunRecord(
        run_id=row[0],
        workflow=row[1],
        status=RUN_STATUS[row[2]],
        input=_envelope(row[3], row[4], row[5], row[6]),
        output=_envelope(row[7], row[8], row[9], row[10]),
        error=error_info(row[11]),
        code_hash=row[12],
        generation=row[13],
        seq=row[14],
        epoch=row[15],
        owner=row[16],
        takeovers=row[17],
        tags=tags(row[18]),
        actor=row[19],
        tenant=row[20],
        created_at=row[21],
        updated_at=row[22],
        finished_at=row[23],
    )


def tags(text: str) -> tuple[str, ...]:
    """The tags of a column."""
    return () if text == "[]" else tuple(json.loads(text))


def step_record(run_id: str, row: Row) -> StepRecord:
    """A step from a row of `STEP_COLUMNS`, whose first column is the number of the run."""
    return StepRecord(
        run_id,
        row[1],
        _STEP_FORM[row[2]],
        row[3],
        row[4],
        row[5],
        row[6],
        _envelope(row[7], row[8], row[9], row[10]),
        row[11],
        _envelope(row[12], row[13], row[14], row[15]),
        error_info(row[16]),
        _STEP_STATUS[row[17]],
        row[18],
        row[19],
        row[20],
        row[21],
        row[22],
        row[23],
        bool(row[24]),
        row[25],
        row[26],
        row[27],
        row[28],
    )


def entry_records(text: str) -> tuple[Entry, ...]:
    """The entries of a run, from the last column of `RUN_COLUMNS`."""
    if text == "[]":
        return ()
    return tuple(entry(*values) for values in sorted(json.loads(text)))


def entry(seq: int, kind: str, at: float) -> Entry:
    """One entry."""
    return Entry(seq, _ENTRY_TYPE[kind], at)


def history(row: Row, steps: Iterable[Row]) -> RunHistory:
    """A run of `RUN_COLUMNS` with its steps of `STEP_COLUMNS`."""
    run_id: str = row[0]
    return RunHistory(run_record(row), tuple(step_record(run_id, step) for step in steps), entry_records(row[-1]))


def in_order(run_id: str, steps: Iterable[Row], entries: Iterable[Row]) -> tuple[Numbered, ...]:
    """Numbered steps and entries in the order of their numbers."""
    found = [Numbered(row[STEP_SEQ], step=step_record(run_id, row)) for row in steps]
    found += [Numbered(row[0], entry=entry(*row)) for row in entries]
    found.sort(key=lambda numbered: numbered.seq)
    return tuple(found)
