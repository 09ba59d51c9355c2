"""A run as people read it."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyflow_cli.json_form import OPEN, value_form
from pyflow_cli.output import one_line
from pyflow_cli.table import Cell, clock_text, date_text, duration_text, paint, shorten, status_cell, table
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import StepStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyflow_cli.json_form import Values
    from pyflow_core.errors import ErrorInfo
    from pyflow_core.ports.state import Envelope, RunEvent, RunPage, RunRecord, RunSummary, StepRecord, WorkerInfo

_LABEL = 9
_SHOWN_VALUE = 2000
_SHOWN_STEP_VALUE = 40
_SHOWN_ERROR = 80
_UNTAKEN_SECONDS = 5.0


def short_id(run_id: str) -> str:
    """The beginning of an id that was drawn, which names the run; one that somebody chose as it is."""
    is_drawn = len(run_id) == 32 and all(letter in "0123456789abcdef" for letter in run_id)
    return run_id[:8] if is_drawn else one_line(run_id)


def error_text(error: ErrorInfo | None) -> str:
    """An error in one line."""
    return "" if error is None else one_line(error.headline)


# --- lists


def page_lines(page: RunPage, now: float, *, color: bool) -> list[str]:
    """A list of runs."""
    rows = [_summary_row(run, now) for run in page.runs]
    return table(("run", "workflow", "status", "steps", "started", "took", "error"), rows, color=color)


def _summary_row(run: RunSummary, now: float) -> list[str | Cell]:
    took = duration_text(run.finished_at - run.created_at) if run.finished_at is not None else ""
    return [
        run.run_id,
        run.workflow,
        status_cell(run.status),
        f"{run.steps_done}/{run.steps_done + run.steps_open}",
        f"{duration_text(now - run.created_at)} ago",
        took,
        shorten(error_text(run.error), _SHOWN_ERROR),
    ]


# --- one run


def status_lines(
    run: RunRecord,
    steps: Sequence[StepRecord],
    workers: Sequence[WorkerInfo],
    now: float,
    *,
    color: bool,
    whole: bool,
    values: Values = MappingProxyType({}),
) -> list[str]:
    """Everything about a run; long values are cut unless `whole`. `values` are those by reference."""
    lines = [
        _field("run", run.run_id),
        _field("workflow", run.workflow),
        _field("status", paint(run.status, status_cell(run.status).color, color=color)),
        _field("started", f"{date_text(run.created_at)} ({duration_text(now - run.created_at)} ago)"),
    ]
    if run.finished_at is not None:
        lines.append(_field("took", duration_text(run.finished_at - run.created_at)))
    if run.generation > 1:
        lines.append(_field("redriven", "once" if run.generation == 2 else f"{run.generation - 1} times"))
    if run.tags:
        lines.append(_field("tags", one_line(", ".join(run.tags))))
    lines += [_field("waits for" if n == 0 else "", line) for n, line in enumerate(_waits(steps, workers, now))]
    if not (run.status.settled or steps or workers) and run.owner is None:
        lines.append(_field("waits for", "a worker, and none is alive: `pyflow worker`"))
    if run.error is not None:
        lines.append(_field("error", paint(error_text(run.error), "red", color=color)))
    lines += _value_lines("input", run.input, values, whole=whole)
    lines += _value_lines("output", run.output, values, whole=whole)
    if steps:
        head = ("step", "form", "rpc", "status", "attempts", "took", "error", "input", "output")
        lines += ["", *table(head, [_step_row(step, now, values) for step in steps], color=color)]
    return lines


def _field(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}  {text}"


def _value_lines(label: str, envelope: Envelope, values: Values, *, whole: bool) -> list[str]:
    text = _value_text(envelope, values)
    shown = text if whole else shorten(text, _SHOWN_VALUE)
    return [_field(label, one_line(shown))] if text else []


def _value_text(envelope: Envelope, values: Values) -> str:
    """A value as JSON, or what is told of one that is not shown; empty if it was left out."""
    if envelope.inline is None and envelope.reference is None:
        return ""
    shown = values.get(envelope.reference or "")
    if shown is not None and not hasattr(shown, "value"):
        return str(shown)
    return json.dumps(value_form(envelope, values), ensure_ascii=False)


def _waits(steps: Sequence[StepRecord], workers: Sequence[WorkerInfo], now: float) -> list[str]:
    return [_wait(step, workers, now) for step in steps if step.status in OPEN]


def _wait(step: StepRecord, workers: Sequence[WorkerInfo], now: float) -> str:
    where = f"step {one_line(step.step_name)}" + (f" on queue {step.queue}" if step.queue else "")
    if step.status is StepStatus.RUNNING:
        since = duration_text(now - (step.started_at or step.scheduled_at))
        return f"{where}: runs on {step.worker} since {since}"
    due_at = step.due_at or step.scheduled_at
    if due_at > now:
        return f"{where}: tried again in {duration_text(due_at - now)}"
    if not workers:
        return f"{where}: no worker serves it, since none is alive: `pyflow worker`"
    if now - due_at > _UNTAKEN_SECONDS:
        return f"{where}: nobody has taken it for {duration_text(now - due_at)}: does a worker serve this queue?"
    return where


def _step_row(step: StepRecord, now: float, values: Values) -> list[str | Cell]:
    return [
        step.step_name,
        step.form,
        step.rpc_name or "",
        status_cell(step.status),
        str(step.attempts),
        _took(step, now),
        shorten(error_text(step.error), _SHOWN_ERROR),
        shorten(_value_text(step.input, values), _SHOWN_STEP_VALUE),
        shorten(_value_text(step.output, values), _SHOWN_STEP_VALUE),
    ]


def _took(step: StepRecord, now: float) -> str:
    if step.started_at is None:
        return ""
    end = step.finished_at if step.finished_at is not None else now
    return "" if step.status is StepStatus.PENDING else duration_text(end - step.started_at)


# --- the event log


def event_lines(events: Sequence[RunEvent], *, color: bool) -> list[str]:
    """The event log of a run."""
    rows: list[list[str | Cell]] = [
        [
            clock_text(event.at),
            Cell(event.type, _event_color(event)),
            event.step_name or "",
            str(event.attempt or ""),
            event.worker or "",
            shorten(one_line(event.detail or ""), _SHOWN_ERROR),
        ]
        for event in events
    ]
    return table(("time", "event", "step", "attempt", "worker", "detail"), rows, color=color)


_TOLD: Mapping[str, str] = {
    EventType.RUN_CREATED: "created",
    EventType.RUN_TAKEN_OVER: "taken over from a dead worker",
    EventType.RUN_CANCEL_REQUESTED: "cancel requested",
    EventType.RUN_BLOCKED: "blocked",
    EventType.RUN_UNBLOCKED: "unblocked",
    EventType.RUN_COMPLETED: "completed",
    EventType.RUN_FAILED: "failed",
    EventType.RUN_CANCELLED: "cancelled",
    EventType.RUN_REDRIVEN: "redriven",
    EventType.STEP_STARTED: "started",
    EventType.STEP_RETRIED: "failed and is tried again",
    EventType.STEP_WORKER_LOST: "lost its worker",
    EventType.STEP_CANCELLED: "cancelled",
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_FAILED: "failed",
}
"""What is worth a line while it happens; the event log has the rest."""


def event_line(event: RunEvent, workflow: str, *, color: bool) -> str | None:
    """An event as one line of a live view; None for what only the event log tells."""
    what = _TOLD.get(event.type)
    if what is None:
        return None
    attempt = f" (attempt {event.attempt})" if event.attempt and event.attempt > 1 else ""
    step = f"step {one_line(event.step_name)} " if event.step_name else ""
    detail = f": {shorten(one_line(event.detail), _SHOWN_ERROR)}" if event.detail else ""
    told = paint(f"{what}{attempt}", _event_color(event), color=color)
    return f"{clock_text(event.at)}  {workflow} {short_id(event.run_id)}  {step}{told}{detail}"


def _event_color(event: RunEvent) -> str | None:
    verb = event.type.rpartition(".")[2]
    return {"retried": "yellow", "worker_lost": "yellow"}.get(verb) or status_cell(verb).color
