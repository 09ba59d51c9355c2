"""How a run ends: what is written when its function has ended, or when it cannot go on."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING

from pyflow_core.engine.runtime import error_info
from pyflow_core.errors import CodecError
from pyflow_core.ports.state import OMITTED, Envelope, RunStatus, Settlement

if TYPE_CHECKING:
    from pyflow_core.engine.execution import Execution
    from pyflow_core.errors import PyflowError
    from pyflow_core.wiring import WorkflowDefinition


def ended(execution: Execution, definition: WorkflowDefinition) -> Settlement:
    """The end of a run whose function has returned, raised, or let a cancellation through."""
    root = execution.root
    if root.cancelled():
        if execution.cancel_requested:
            return Settlement(RunStatus.CANCELLED, OMITTED, None)
        return _failed(CancelledError("the workflow cancelled itself"))
    error = root.exception()
    if error is not None:
        return _failed(error)
    try:
        text = definition.signature.result_codec.encode(root.result())
    except CodecError as codec_error:
        return _failed(type(codec_error)(f"the workflow's result: {codec_error.message}"))
    return Settlement(RunStatus.COMPLETED, Envelope(text), None)


def blocked(error: PyflowError, code_hash: str) -> Settlement:
    """A run that this code cannot go on with; workers with another code hash try it again."""
    return Settlement(RunStatus.BLOCKED, OMITTED, error_info(error), code_hash)


def _failed(error: BaseException) -> Settlement:
    return Settlement(RunStatus.FAILED, OMITTED, error_info(error))
