"""Waiting for a run, and saying how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyflow_cli.error_block import show_error
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_text import error_text
from pyflow_cli.table import duration_text
from pyflow_core.errors import CodecError, ResultTimeoutError, RunError
from pyflow_core.ports.state import RunStatus

if TYPE_CHECKING:
    from pyflow_cli.output import Output
    from pyflow_core.client import Client
    from pyflow_core.errors import ErrorInfo
    from pyflow_core.ports.state import RunRecord, StepRecord

_HELPS = {
    RunStatus.FAILED: "`pyflow redrive {run_id}` tries it again from its last good step",
    RunStatus.BLOCKED: "it is tried again when a worker with other code starts, or by `pyflow redrive {run_id}`",
}


@dataclass(frozen=True)
class Outcome:
    """How a run stood when the waiting was over. `failed_step` is the one that ended it."""

    run: RunRecord
    failed_step: StepRecord | None
    waited_seconds: float | None
    """Set if the time was up before the run had ended."""


async def wait_for_end(client: Client, workflow: str, run_id: str, patience: float | None) -> Outcome:
    """Wait until a run has ended or is blocked, or for `patience` seconds.

    Raises:
        UnknownRunError, StoreError
    """
    waited = None
    try:
        await client.result(workflow, run_id, timeout=patience)
    except ResultTimeoutError:
        waited = patience
    except (RunError, CodecError):
        pass  # the record says it
    run = await client.get_run(run_id)
    name = run.error.step_name if run.error is not None else None
    step = await client.state.get_step_state(run_id, name) if name is not None else None
    return Outcome(run, step, waited)


def report_outcome(output: Output, outcome: Outcome, *, executed_here: bool) -> ExitCode:
    """Say how the run ended, unless it completed, and what the command ends with."""
    run = outcome.run
    if outcome.waited_seconds is not None:
        until = ", when a worker is there: `pyflow worker`" if executed_here else ""
        headline = f"run {run.run_id!r} has not ended within {duration_text(outcome.waited_seconds)}; it goes on{until}"
        output.error(headline, (f"pyflow status {run.run_id}",))
        return ExitCode.TIMED_OUT
    if run.status is RunStatus.COMPLETED:
        return ExitCode.DONE
    verb = {RunStatus.FAILED: "failed", RunStatus.CANCELLED: "was cancelled"}.get(run.status, f"is {run.status}")
    helps = [f"`pyflow status {run.run_id}` shows its steps"]
    if run.status in _HELPS:
        helps.append(_HELPS[run.status].format(run_id=run.run_id))
    show_error(output, f"run {run.run_id!r} of workflow {run.workflow!r} {verb}", _facts(output, outcome), helps)
    return ExitCode.NO


def _facts(output: Output, outcome: Outcome) -> list[str]:
    step, error = outcome.failed_step, outcome.run.error
    facts: list[str] = []
    if step is not None:
        target = f" ({step.rpc_name})" if step.rpc_name is not None else ""
        facts += [f"step      {step.step_name}{target}", f"attempts  {step.attempts}"]
        error = step.error or error
    if error is not None:
        facts += [f"error     {error_text(error)}", *_traceback(output, error)]
    return facts


def _traceback(output: Output, error: ErrorInfo) -> list[str]:
    return (error.traceback or "").splitlines() if output.verbose else []
