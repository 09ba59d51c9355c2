"""What pyflow injects by name: `workflow`, `rpc`, `logger`, `step`."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from typing_extensions import Unpack, override

from pyflow_core.errors import InvalidNameError, InvalidOptionError, PayloadForbiddenError
from pyflow_core.naming import is_valid_step_name
from pyflow_core.payload.reference import is_content_type
from pyflow_core.references import NO_DATA, RpcCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping

    from pyflow_core.engine.execution import Execution
    from pyflow_core.engine.runtime import Runtime
    from pyflow_core.options import StepOptions
    from pyflow_core.payload.handle import Payload
    from pyflow_core.payload.writer import Chunks

T = TypeVar("T")
R = TypeVar("R")


class WorkflowPrimitives(Protocol):
    """What every workflow context has besides `do`."""

    @property
    def run_id(self) -> str:
        """The id of the run."""
        ...


class WorkflowContext(WorkflowPrimitives, Protocol):
    """`workflow` as helpers take it that several workflows share; it is given typed references and functions."""

    @overload
    async def do(self, step_name: str, call: RpcCall[R], /, **options: Unpack[StepOptions]) -> R: ...
    @overload
    async def do(
        self,
        step_name: str,
        fn: Callable[[], Awaitable[T]],
        /,
        *,
        returns: type[T] = ...,
        **options: Unpack[StepOptions],
    ) -> T: ...
    @overload
    async def do(
        self, step_name: str, fn: Callable[[], T], /, *, returns: type[T] = ..., **options: Unpack[StepOptions]
    ) -> T: ...


class Logger(Protocol):
    """A logger of the standard library, or one that behaves like it. It is silent during replay."""

    def debug(self, msg: object, /, *args: object) -> None:
        """Log what helps to find a mistake."""
        ...

    def info(self, msg: object, /, *args: object) -> None:
        """Log what happened."""
        ...

    def warning(self, msg: object, /, *args: object) -> None:
        """Log what may go wrong."""
        ...

    def error(self, msg: object, /, *args: object) -> None:
        """Log what went wrong."""
        ...

    def exception(self, msg: object, /, *args: object) -> None:
        """Log what went wrong, with the exception that is being handled."""
        ...


class StreamStore(Protocol):
    """What `step.store` gives a stream to."""

    async def __call__(self, chunks: Chunks, name: str, content_type: str) -> Payload[bytes]:
        """Store it, and give the handle."""
        ...


def _goes_on() -> bool:
    return False


async def _no_store(chunks: Chunks, name: str, content_type: str) -> Payload[bytes]:  # noqa: ARG001 - the protocol's
    raise PayloadForbiddenError(
        f"{name!r} cannot be stored: this step belongs to no run. A test gives its own: Step(streams=...)"
    )


@dataclass(frozen=True, slots=True)
class Step:
    """The step that is running, as an RPC function may ask for it with a parameter `step`.

    `idempotency_key` is the same in every attempt: give it to services that can recognise a repeated request.
    `attempt` counts from 1. `deadline` is in seconds since the epoch, or None.

    A test of an RPC function makes its own, with what it is about: `Step(idempotency_key="a")`, `Step(attempt=2)`,
    `Step(stops=lambda: True)`. `stops` is what `cancelled` asks, `streams` is what `store` gives a stream to.
    """

    run_id: str = "run"
    step_name: str = "step"
    attempt: int = 1
    idempotency_key: str = "run/1/step"
    deadline: float | None = None
    stops: Callable[[], bool] = field(default=_goes_on, repr=False, kw_only=True)
    streams: StreamStore = field(default=_no_store, repr=False, kw_only=True)

    def cancelled(self) -> bool:
        """Whether the workflow has stopped waiting for this step: a long function in a thread may ask now and then."""
        return self.stops()

    async def store(
        self, chunks: Chunks, /, *, name: str, content_type: str = "application/octet-stream"
    ) -> Payload[bytes]:
        """Store a stream of any length beside the step's result, and give a handle to return, alone or in a value.

        The chunks go through a local file and never lie in memory together; no limit of size holds for them. A step
        that is tried again stores them again; equal ones are the same payload. They live as long as the run.

        Args:
            chunks: bytes, in an iterable or an asynchronous one.
            name: what the file is called in the payload's key, such as `report.csv`: 1 to 200 characters.
            content_type: what the reference tells of it.

        Raises:
            InvalidNameError, InvalidOptionError: the name or the content type is none.
            PayloadError: the store refuses it. One that cannot be reached is waited for.
        """
        if not is_valid_step_name(name):
            raise InvalidNameError(f"{name!r} cannot name a file: use 1 to 200 characters, no control characters")
        if not is_content_type(content_type):
            raise InvalidOptionError(f"{content_type!r} is no content type: write one such as text/csv")
        if isinstance(chunks, bytes | bytearray | memoryview | str):
            raise InvalidOptionError("store takes chunks of bytes: give it [data] for data that is in memory already")
        return await self.streams(chunks, name, content_type)


class BoundWorkflow:
    """`workflow` inside a run."""

    __slots__ = ("_execution",)

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._execution.run_id

    def do(
        self, step_name: str, target: Any, data: Any = NO_DATA, /, *, returns: Any = NO_DATA, **options: Any
    ) -> Coroutine[Any, Any, Any]:
        """A durable step: by an RPC's name and data, by a typed reference, or by a function of no arguments."""
        return self._execution.do(step_name, target, data, returns, options)


class BoundRpc:
    """`rpc` inside a run, and inside a step, where an invocation is a plain call."""

    __slots__ = ("_execution", "_runtime")

    def __init__(self, runtime: Runtime, execution: Execution | None) -> None:
        self._runtime = runtime
        self._execution = execution

    async def invoke(self, rpc: str | RpcCall[Any], data: Any = NO_DATA, /) -> Any:
        """Call an RPC without recording it; on replay it is called again.

        Raises:
            InvalidOptionError: a lazy call, whose result a plain call has nowhere to store.
        """
        call = RpcCall[Any](rpc, data) if isinstance(rpc, str) else rpc
        if call.is_lazy:
            raise InvalidOptionError(f"rpc.invoke({call.rpc_name!r}) stores nothing: leave `.lazy()` away, or use `do`")
        execution = self._execution
        if execution is not None and asyncio.get_running_loop() is execution.loop:
            return await execution.invoke(call.rpc_name, call.data)
        return await self._runtime.invoke(call.rpc_name, call.data)


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger for workflow code: silent while the run is replayed or unwound, and it names the run."""

    def __init__(self, workflow: str, execution: Execution) -> None:
        super().__init__(logging.getLogger(f"pyflow.workflow.{workflow}"), {"run_id": execution.run_id})
        self._execution = execution

    @override
    def isEnabledFor(self, level: int) -> bool:
        execution = self._execution
        return not (execution.replaying or execution.retired) and super().isEnabledFor(level)

    @override
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return f"{msg} [run {self._execution.run_id}]", {
            **kwargs,
            "extra": {**(self.extra or {}), **kwargs.get("extra", {})},
        }
