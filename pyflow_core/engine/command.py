"""What an execution wants, and what it is told: plain data between the engine and its shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable, Mapping

    from pyflow_core.codec import Codec
    from pyflow_core.engine.loop import WorkflowFuture
    from pyflow_core.engine.values import Written
    from pyflow_core.errors import ErrorInfo
    from pyflow_core.wiring import RpcDefinition


class AskRpc(NamedTuple):
    """A step to be run by a queue worker."""

    step_name: str
    rpc: RpcDefinition
    data: Written
    sha256: str
    options: Mapping[str, Any]
    asked_at: int


class AskInline(NamedTuple):
    """A step to be run in the orchestrator, in a copy of the caller's context."""

    step_name: str
    function: Callable[[], Any]
    context: contextvars.Context
    codec: Codec
    options: Mapping[str, Any]
    asked_at: int


class CancelStep(NamedTuple):
    """The workflow no longer waits for this step."""

    step_name: str


class Invoke(NamedTuple):
    """A bare call of an RPC, neither recorded nor counted; its answer goes to `Execution.answer`."""

    rpc: RpcDefinition
    data: Any
    future: WorkflowFuture[Any]


Command = AskRpc | AskInline | CancelStep | Invoke


class StepCompleted(NamedTuple):
    """A step's recorded result. `value` is the decoded text where the shell has it already, else `UNDECODED`."""

    step_name: str
    text: str | None
    value: Any
    at: float


class StepErrored(NamedTuple):
    """A step that has used up its tries."""

    step_name: str
    attempts: int
    error: ErrorInfo
    at: float


class CancelRequested(NamedTuple):
    """Someone asked the run to stop."""

    at: float


class Nothing(NamedTuple):
    """A number whose content is addressed to nobody any more."""

    at: float


Event = StepCompleted | StepErrored | CancelRequested | Nothing

UNDECODED: Any = object()
"""In place of a value that the execution is to decode itself."""
