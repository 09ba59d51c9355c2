"""What `workflow.do` returns: a call that asks for its step when it is first awaited."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import override

from pyflow_core.engine.loop import WorkflowFuture
from pyflow_core.engine.values import NO_VALUE

if TYPE_CHECKING:
    from pyflow_core.codec import Codec
    from pyflow_core.engine.execution import Execution
    from pyflow_core.wiring import RpcDefinition

T = TypeVar("T")

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class StepFuture(WorkflowFuture[T]):
    """Waits for the result of one call, and tells the execution if the workflow stops waiting.

    It knows the step by name: a call and its future that knew each other would wait for the garbage collector.
    """

    __slots__ = ("execution", "step_name")
    execution: Execution
    step_name: str

    @override
    def cancel(self, msg: Any = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self.execution.call_cancelled(self.step_name)
        return cancelled


class StepCall(Coroutine[Any, Any, T], Generic[T]):
    """One use of a step's name. Works wherever asyncio takes a coroutine; to be awaited once.

    Its hash is of its loop's counter, because `asyncio.as_completed` puts calls into a set.
    """

    __slots__ = (
        "asked",
        "codec",
        "data",
        "execution",
        "function",
        "future",
        "iterator",
        "line",
        "options",
        "order",
        "rpc",
        "sha256",
        "step_name",
    )

    def __init__(self, execution: Execution, step_name: str, line: tuple[str, int]) -> None:
        self.execution = execution
        self.step_name = step_name
        self.line = line
        self.options: Mapping[str, Any] = NO_OPTIONS
        self.order = execution.loop.next_order()
        self.rpc: RpcDefinition | None = None
        self.function: Any = None
        self.data = NO_VALUE
        self.sha256 = ""
        self.codec: Codec | None = None
        self.asked = False
        self.future: StepFuture[T] | None = None
        self.iterator: Any = None

    def __str__(self) -> str:
        return f"step {self.step_name!r} ({self.line[0]}:{self.line[1]})"

    def __hash__(self) -> int:
        return self.order

    def __eq__(self, other: object) -> bool:
        return self is other

    def __await__(self) -> Generator[Any, Any, T]:
        return self.execution.begin(self).__await__()

    @override
    def send(self, value: Any) -> Any:
        if self.iterator is None:
            self.iterator = self.__await__()
        return self.iterator.send(value)

    @override
    def throw(self, *exception: Any) -> Any:
        # A task that is cancelled before its first step throws here; the step is then never asked for.
        if self.iterator is None:
            self.iterator = _nothing()
            next(self.iterator)
        return self.iterator.throw(*exception)

    @override
    def close(self) -> None:
        if self.iterator is not None:
            self.iterator.close()


def _nothing() -> Generator[None, None, None]:
    yield


class RefusedCall(StepCall[Any]):
    """The call that met a refusal: it never returns."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.execution.loop.create_future().__await__()
