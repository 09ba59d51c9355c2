"""The JSON that programs read. Its fields are a promise: a new one may come, none may go or change its meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.ports.state import StepStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyflow_cli.shown_value import Shown, Unshown
    from pyflow_core.errors import ErrorInfo
    from pyflow_core.ports.state import Envelope, RunEvent, RunPage, RunRecord, RunSummary, StepRecord

VERSION = 1
OPEN = frozenset({StepStatus.PENDING, StepStatus.RUNNING})


def moment(at: float | None) -> str | None:
    """A time as RFC 3339 in UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


Values = Mapping[str, "Shown | Unshown"]
"""What references are shown as, by their text in the row."""


def value_form(envelope: Envelope, values: Values = MappingProxyType({})) -> Any:
    """A value as the store holds it; one that lies elsewhere as `values` have it, or as `{"$ref": key}`."""
    if envelope.reference is not None:
        shown = values.get(envelope.reference)
        if shown is None:
            return {"$ref": _key(envelope.reference)}
        return shown.form()
    if envelope.inline is None:
        return None
    try:
        return json.loads(envelope.inline)
    except ValueError:
        return envelope.inline


def _key(reference: str) -> str:
    """The key in the text of a reference, which is read without the machinery that resolves one."""
    try:
        tree: Any = json.loads(reference)
        first = cast("dict[str, Any]", tree[0] if isinstance(tree, list) else tree)
        return str(first.get("key") or first["primary_key"])
    except (ValueError, LookupError, AttributeError):
        return reference


def error_form(error: ErrorInfo | None) -> dict[str, Any] | None:
    """An error without its traceback."""
    if error is None:
        return None
    return {"type": error.type, "code": error.code, "message": error.message, "step_name": error.step_name}


def open_steps(steps: Iterable[StepRecord]) -> list[str] | None:
    """The names of the steps that a run waits for; None if there is none."""
    return [step.step_name for step in steps if step.status in OPEN] or None


def started_form(run: RunRecord, *, created: bool) -> dict[str, Any]:
    """What `start` answers."""
    return {"run_id": run.run_id, "workflow": run.workflow, "status": run.status, "created": created}


def page_form(page: RunPage, waits_for: Mapping[str, list[str] | None]) -> dict[str, Any]:
    """What `runs` answers; `waits_for` are the open steps by run."""
    runs = [_summary_form(run, waits_for.get(run.run_id)) for run in page.runs]
    return {"version": VERSION, "runs": runs, "next_cursor": page.next_cursor}


def _summary_form(run: RunSummary, waits_for: list[str] | None) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "status": run.status,
        "steps_done": run.steps_done,
        "steps_open": run.steps_open,
        "created_at": moment(run.created_at),
        "updated_at": moment(run.updated_at),
        "finished_at": moment(run.finished_at),
        "waits_for": waits_for,
        "error": error_form(run.error),
        "tags": list(run.tags),
        "parent_run_id": None,
    }


def status_form(run: RunRecord, steps: Sequence[StepRecord], values: Values = MappingProxyType({})) -> dict[str, Any]:
    """What `status` answers."""
    return {
        "version": VERSION,
        "run_id": run.run_id,
        "workflow": run.workflow,
        "status": run.status,
        "code_hash": run.code_hash,
        "input": value_form(run.input, values),
        "output": value_form(run.output, values),
        "error": error_form(run.error),
        "created_at": moment(run.created_at),
        "updated_at": moment(run.updated_at),
        "finished_at": moment(run.finished_at),
        "waits_for": open_steps(steps),
        "lineage": {"generation": run.generation, "parent_run_id": None, "forked_from": None},
        "steps": [_step_form(step, values) for step in steps],
    }


def _step_form(step: StepRecord, values: Values) -> dict[str, Any]:
    return {
        "step_name": step.step_name,
        "type": step.form,
        "rpc_name": step.rpc_name,
        "description": step.description,
        "status": step.status,
        "attempts": step.attempts,
        "queue": step.queue,
        "worker": step.worker,
        "scheduled_at": moment(step.scheduled_at),
        "started_at": moment(step.started_at),
        "finished_at": moment(step.finished_at),
        "input": value_form(step.input, values),
        "output": value_form(step.output, values),
        "error": error_form(step.error),
        "next_attempt_at": moment(step.due_at) if step.status is StepStatus.PENDING else None,
    }


def event_form(event: RunEvent) -> dict[str, Any]:
    """A row of the event log."""
    return {
        "id": event.id,
        "type": event.type,
        "at": moment(event.at),
        "generation": event.generation,
        "seq": event.seq,
        "step_name": event.step_name,
        "attempt": event.attempt,
        "worker": event.worker,
        "detail": event.detail,
    }
