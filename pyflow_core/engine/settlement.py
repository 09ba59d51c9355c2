"""How a run ends: what is written when its function has ended, or when it cannot go on."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING

from pyflow_core.engine.error_record import error_info
from pyflow_core.errors import CodecError, PayloadError
from pyflow_core.log import BRANCH_FAILED, STEP_LATE, STEP_UNAWAITED, logger
from pyflow_core.ports.state import OMITTED, RunStatus, Settlement

if TYPE_CHECKING:
    from pyflow_core.engine.execution import Execution
    from pyflow_core.engine.values import Values
    from pyflow_core.errors import PyflowError
    from pyflow_core.payload.draft import Draft
    from pyflow_core.wiring import WorkflowDefinition

_log = logger("pyflow.run")


def ended(execution: Execution, definition: WorkflowDefinition, values: Values) -> tuple[Settlement, Draft | None]:
    """The end of a run whose function has returned, raised, or let a cancellation through.

    A draft is the run's output, which is to be placed before the settlement is written.
    """
    root = execution.root
    if root.cancelled():
        if execution.cancel_requested:
            return Settlement(RunStatus.CANCELLED, OMITTED, None), None
        return _failed(CancelledError("the workflow cancelled itself")), None
    error = root.exception()
    if error is not None:
        return _failed(error), None
    try:
        written = values.write(definition.signature.result_codec, root.result())
        if written.draft is not None:
            values.check_size(written.draft)
    except (CodecError, PayloadError) as refusal:
        return _failed(type(refusal)(f"the workflow's result: {refusal.message}")), None
    return Settlement(RunStatus.COMPLETED, written.envelope, None), written.draft


def blocked(error: PyflowError, code_hash: str) -> Settlement:
    """A run that this code cannot go on with; workers with another code hash try it again."""
    return Settlement(RunStatus.BLOCKED, OMITTED, error_info(error), code_hash)


def _failed(error: BaseException) -> Settlement:
    return Settlement(RunStatus.FAILED, OMITTED, error_info(error))


def warn_of_leftovers(execution: Execution, run_id: str) -> None:
    """Tell of what a function has left behind: steps that nobody awaited, or asked for too late; failed branches."""
    for name in execution.late_asks:
        _log.warning("%s: run %s asked for step %r after its function had ended", STEP_LATE, run_id, name)
    for name in execution.unawaited():
        _log.warning("%s: run %s never awaited step %s", STEP_UNAWAITED, run_id, name)
    for problem in execution.loop.problems:
        _log.warning("%s: run %s: %s", BRANCH_FAILED, run_id, problem.get("message"), exc_info=problem.get("exception"))
