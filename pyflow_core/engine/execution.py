"""One run's coroutine on its private loop: results go in, commands come out. No I/O, no store.

`deliver` feeds one numbered thing and drains the loop until nothing is ready; `take_commands` says what the workflow
now wants. A refusal condemns the execution: the call that met it never returns, and nothing of what the workflow
wanted since the last `take_commands` leaves it, so that no `except` and no `finally` of the author can swallow it.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from pyflow_core.codec import PLAIN, codec_for, hash_text
from pyflow_core.engine.command import (
    UNDECODED,
    AskInline,
    AskRpc,
    CancelRequested,
    CancelStep,
    Command,
    Event,
    Invoke,
    StepCompleted,
    StepErrored,
)
from pyflow_core.engine.frame import caller_frame
from pyflow_core.engine.loop import DRAIN_BUDGET, WorkflowFuture, keep_for_ever, new_loop, running_loop
from pyflow_core.engine.step_call import NO_OPTIONS, RefusedCall, StepCall, StepFuture
from pyflow_core.engine.values import Values
from pyflow_core.errors import (
    CodecError,
    DrainBudgetError,
    ExecutionRetired,
    ForbiddenInStepError,
    ForbiddenInWorkflowError,
    InvalidNameError,
    InvalidOptionError,
    PayloadError,
    PyflowError,
    RefusedValueError,
    RpcError,
    StepAwaitedTwiceError,
    StepFailedError,
    StepNameReusedError,
    TooManyStepsError,
    mark_failed_step,
)
from pyflow_core.naming import is_valid_step_name
from pyflow_core.options import check_options
from pyflow_core.payload.handle import use_payload_access
from pyflow_core.payload.handle_codec import handle_codec
from pyflow_core.payload.reference import show_reference
from pyflow_core.references import NO_DATA, RpcCall
from pyflow_core.signature import result_codec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping

    from pyflow_core.codec import Codec
    from pyflow_core.payload.reference import Reference
    from pyflow_core.wiring import Registry, RpcDefinition

RAISES_BEFORE_PARKING = 100
"""So often a retired execution raises at `do`; then the call parks, lest `while True: try … except` spins for ever."""

_IN_STEP = "workflow was used inside a step or outside its run: only the workflow's own code may ask for steps"
_NO_INPUT_SHA256 = hash_text("null")


class Execution:
    """The state machine of one run.

    `main` makes the coroutine of the workflow once the execution exists; `position` gives `file:line` of a call.
    """

    def __init__(
        self,
        run_id: str,
        registry: Registry,
        main: Callable[[Execution], Coroutine[Any, Any, Any]],
        *,
        started_at: float,
        max_steps: int = 10_000,
        values: Values | None = None,
    ) -> None:
        self.run_id = run_id
        self.delivered = 0
        self.refusal: PyflowError | None = None
        self.retired = False
        self.replaying = False
        self.cancel_requested = False
        self.late_asks: list[str] = []
        self._registry = registry
        self._max_steps = max_steps
        self._values = values or Values()
        self._calls: dict[str, StepCall[Any]] = {}
        self._commands: list[Command] = []
        self._closing = False
        self._raises = 0
        self.loop = new_loop(run_id, self._refuse_io)
        self.loop.now = started_at
        # An empty context, so that a replay in another process sees the same context variables.
        context = contextvars.Context()
        context.run(use_payload_access, RefusingAccess(self))
        self.root = self.loop.create_task(main(self), name="workflow", context=context)

    # --- driven by the shell

    def start(self) -> None:
        """Run the workflow up to the first thing that it waits for."""
        self._drain()

    def deliver(self, number: int, event: Event) -> None:
        """Feed the thing with this number and drain. Numbers rise; each is one full drain."""
        self.delivered = number
        self.loop.now = max(self.loop.now, event.at)
        if isinstance(event, StepCompleted):
            self._complete(event)
        elif isinstance(event, StepErrored):
            self._fail(event)
        elif isinstance(event, CancelRequested) and not self.cancel_requested:
            self.cancel_requested = True
            self.root.cancel()
        self._drain()

    def answer(self, invoke: Invoke, value: Any = None, error: BaseException | None = None) -> None:
        """Feed the answer of a bare `rpc.invoke` and drain; it takes no number."""
        if not invoke.future.done():
            if error is None:
                invoke.future.set_result(value)
            else:
                invoke.future.set_exception(error)
        self._drain()

    def take_commands(self) -> list[Command]:
        """What the workflow asked for since the last call; nothing once it is condemned or retired."""
        commands, self._commands = self._commands, []
        return [] if self.refusal is not None or self.retired else commands

    @property
    def finished(self) -> bool:
        """Whether the workflow's function has ended."""
        return self.root.done()

    def asked(self, step_name: str) -> bool:
        """Whether the step has been asked for."""
        call = self._calls.get(step_name)
        return call is not None and call.asked

    def codec_of(self, step_name: str) -> Codec | None:
        """The codec of the result that a step was asked for; nothing if nobody waits for it."""
        call = self._calls.get(step_name)
        return None if call is None or call.future is None or call.future.done() else call.codec

    def unawaited(self) -> list[str]:
        """Calls that were made and never awaited, as `step (file:line)`."""
        return [f"{c.step_name!r} ({_position(c.line)})" for c in self._calls.values() if not c.asked]

    def condemn(self, refusal: PyflowError) -> None:
        """Stop here for good. The first refusal stands."""
        if self.refusal is None and not self.retired:
            self.refusal = refusal
            self.loop.stopped = True

    def retire(self) -> int:
        """Unwind without a trace: cancel everything, drain, record nothing. How many tasks would not end.

        An execution must not die by garbage collection, where its `finally` blocks would run inside another run or
        in another thread.
        """
        if self.retired:
            return 0
        self.retired = True
        self._commands.clear()
        self.loop.stopped = False
        for _ in range(3 if self.loop.live_tasks() or self.loop.open_generators else 0):
            self._cancel_live()
            self.loop.drain()
            self.loop.close_generators()
            self.loop.drain()
            if not self.loop.live_tasks():
                break
        self.loop.forget()
        # Calls, futures and their execution point at one another; without this only the collector could free them.
        self._calls = {}
        left = self.loop.live_tasks()
        for task in left:
            keep_for_ever(task)
        return len(left)

    # --- called by workflow code

    def do(self, step_name: str, target: Any, data: Any, returns: Any, options: Mapping[str, Any]) -> StepCall[Any]:
        """Make the call of a step: everything is checked and serialised now, the step is asked for when awaited."""
        if running_loop() is not self.loop:  # None in a thread
            raise ForbiddenInStepError(_IN_STEP)
        if self.retired:
            self._raise_retired()
            return RefusedCall(self, step_name, ("", 0))
        frame = caller_frame(2)  # do ← BoundWorkflow.do ← the author's code
        call: StepCall[Any] = StepCall(self, step_name, (frame.f_code.co_filename, frame.f_lineno))
        try:
            self._check_name(call)
            if options:
                call.options = check_options(options, where=str(call))
                if callable(call.options.get("context")) and isinstance(target, str | RpcCall):
                    raise InvalidOptionError(
                        f"{call}: a function that extracts the context is given where the RPC is wired"
                    )
            if isinstance(target, str):
                self._aim_at_rpc(call, self._registry.rpc(target), data)
            elif isinstance(target, RpcCall):
                self._aim_at_rpc(call, self._registry.rpc(target.rpc_name), target.data)
                if target.is_lazy:
                    _ask_for_handle(call)
            else:
                _aim_at_function(call, target, data, returns)
        except PyflowError as refusal:
            self.condemn(refusal)
            return RefusedCall(self, step_name, call.line)
        self._calls[step_name] = call
        return call

    def begin(self, call: StepCall[Any]) -> StepFuture[Any]:
        """Ask for a call's step, as it is awaited for the first time."""
        if self.retired:
            self._raise_retired()
        future: StepFuture[Any] = self.loop.make_future(StepFuture)  # type: ignore[assignment]
        future.execution = self
        future.step_name = call.step_name
        if call.asked:
            self.condemn(
                StepAwaitedTwiceError(
                    f"the call of step {call.step_name!r} ({_position(call.line)}) is awaited twice: keep its result"
                )
            )
            return future
        call.asked = True
        call.future = future
        if self.retired:
            return future
        if self._closing:
            self.late_asks.append(call.step_name)
            return future
        self.loop.progress = True
        if call.rpc is not None:
            self._commands.append(
                AskRpc(call.step_name, call.rpc, call.data, call.sha256, call.options, self.delivered)
            )
        else:
            context = contextvars.copy_context()
            codec = call.codec
            if codec is None:
                raise AssertionError
            self._commands.append(
                AskInline(call.step_name, call.function, context, codec, call.options, self.delivered)
            )
            call.function = None
        return future

    async def invoke(self, rpc_name: str, data: Any) -> Any:
        """Call an RPC without recording anything."""
        if self.retired:
            self._raise_retired()
        future = self.loop.create_future()
        try:
            rpc = self._registry.rpc(rpc_name)
            _check_data(rpc, data, f"rpc.invoke({rpc_name!r})")
        except PyflowError as refusal:
            self.condemn(refusal)
            return await future
        if not self._closing:
            self.loop.progress = True
            self._commands.append(Invoke(rpc, data, future))
        return await future

    def call_cancelled(self, step_name: str) -> None:
        """The workflow stopped waiting for a call; its name stays used, and a later result goes to nobody."""
        if not self.retired and not self._closing:
            self._commands.append(CancelStep(step_name))

    # --- inside

    def _check_name(self, call: StepCall[Any]) -> None:
        name = call.step_name
        if not isinstance(name, str) or not is_valid_step_name(name):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidNameError(
                f"{name!r} ({_position(call.line)}) cannot name a step: use 1 to 200 characters, no control characters"
            )
        earlier = self._calls.get(name)
        if earlier is not None:
            raise StepNameReusedError(
                f"step name {name!r} is used at {_position(earlier.line)} and again at {_position(call.line)}: "
                f"a name is the key of a result and can be used once in a run; "
                f"give each its own, such as f'{name}-{{item.id}}'"
            )
        if len(self._calls) >= self._max_steps:
            raise TooManyStepsError(
                f"step {name!r} would be the run's step number {len(self._calls) + 1}, and max_steps is "
                f"{self._max_steps}: split the work into several runs, or raise max_steps"
            )

    def _aim_at_rpc(self, call: StepCall[Any], rpc: RpcDefinition, data: Any) -> None:
        call.rpc = rpc
        call.codec = rpc.signature.result_codec
        _check_data(rpc, data, call)
        if data is NO_DATA:
            call.sha256 = _NO_INPUT_SHA256
            return
        try:
            call.data = self._values.write(rpc.signature.data_codec, data)
        except CodecError as error:
            raise RefusedValueError(f"{call}: the data for {rpc.name!r}: {error.message}") from None
        call.sha256 = call.data.sha256

    def _complete(self, event: StepCompleted) -> None:
        call = self._calls.get(event.step_name)
        if call is None or call.codec is None or (future := _taken(call)) is None:
            return
        value = event.value
        if value is UNDECODED:
            try:
                value = call.codec.decode("null" if event.text is None else event.text)
            except CodecError as error:
                self.condemn(located(error, event.step_name))
                return
        future.set_result(value)

    def _fail(self, event: StepErrored) -> None:
        call = self._calls.get(event.step_name)
        if call is None or (future := _taken(call)) is None:
            return
        future.set_exception(rebuild_error(event, call.rpc.raises if call.rpc is not None else NO_OPTIONS))

    def _drain(self) -> None:
        if not self.loop.drain():
            self.condemn(
                DrainBudgetError(
                    f"the workflow ran {DRAIN_BUDGET:,} callbacks without asking for a step: a loop around "
                    "asyncio.sleep(0) waits for something that can never happen"
                )
            )
        if self.root.done() and not self._closing and self.refusal is None:
            self._close()

    def _close(self) -> None:
        """The function has ended: branches still alive are cancelled and drained once."""
        self._closing = True
        self._commands = [c for c in self._commands if not isinstance(c, Invoke)]
        self._cancel_live()
        self.loop.close_generators()
        self.loop.drain()

    def _cancel_live(self) -> None:
        for task in self.loop.live_tasks():
            task.cancel()

    def _refuse_io(self, what: str) -> None:
        self.condemn(ForbiddenInWorkflowError(f"workflow code cannot do this itself: {what}"))

    def _raise_retired(self) -> None:
        """Unwind whoever asks; one that catches even this is parked in the end: what it awaits never comes."""
        self._raises += 1
        if self._raises <= RAISES_BEFORE_PARKING:
            raise ExecutionRetired


class RefusingAccess:
    """What handles load through in workflow code: nothing. Loading is I/O, which belongs into a step."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    async def read(self, reference: Reference) -> bytes:
        """Refuse."""
        raise await self._refuse_reading("load", reference)

    async def open(self, reference: Reference) -> AsyncGenerator[bytes]:
        """Refuse."""
        raise await self._refuse_reading("open", reference)
        yield b""  # so that this is a generator

    async def range(self, reference: Reference, start: int, end: int) -> bytes:  # noqa: ARG002 - the protocol's
        """Refuse."""
        raise await self._refuse_reading("range", reference)

    async def save(self, raw: bytes) -> Reference:  # noqa: ARG002 - the protocol's
        """Refuse."""
        raise await self._refuse("workflow code cannot save a payload: save it in a step, or before the run is started")

    def _refuse_reading(self, what: str, reference: Reference) -> WorkflowFuture[Exception]:
        shown = show_reference(reference)
        return self._refuse(
            f"workflow code cannot {what} a payload ({shown}): pass the handle to a step, and load it there"
        )

    def _refuse(self, message: str) -> WorkflowFuture[Exception]:
        """Condemn the execution, and give what never comes."""
        self._execution.condemn(ForbiddenInWorkflowError(message))
        return self._execution.loop.make_future(WorkflowFuture)


def _ask_for_handle(call: StepCall[Any]) -> None:
    """The result is wanted as a `Payload`, whatever the RPC declares."""
    if call.codec is not None:
        call.codec = handle_codec(call.codec)
    call.options = {**call.options, "lazy": True}


def rebuild_error(event: StepErrored, declared: Mapping[str, Any]) -> BaseException:
    """The exception for a recorded error: the declared class of its code, else `StepFailedError`."""
    info = event.error
    kind = declared.get(info.code or "")
    if kind is None:
        return StepFailedError(event.step_name, event.attempts, info)
    error: RpcError = kind.__new__(kind)
    error.args = (info.message,)
    if info.fields is not None:
        vars(error).update(PLAIN.decode(info.fields))
    mark_failed_step(error, event.step_name)
    return error


def _taken(call: StepCall[Any]) -> StepFuture[Any] | None:
    """The future of a call whose result has come, if somebody waits for it. The call lets go of it: it is kept on."""
    future, call.future = call.future, None
    return None if future is None or future.done() else future


def _aim_at_function(call: StepCall[Any], target: Any, data: Any, returns: Any) -> None:
    if not callable(target):
        raise InvalidOptionError(f"{call}: {target!r} is neither an RPC's name, nor a typed reference, nor a function")
    if data is not NO_DATA:
        raise InvalidOptionError(f"{call}: an inline function takes no data; use functools.partial or a lambda")
    call.function = target
    call.codec = codec_for(returns) if returns is not NO_DATA else result_codec(target)


def _check_data(rpc: RpcDefinition, data: Any, where: object) -> None:
    parameter = rpc.signature.data
    if parameter is not None and data is NO_DATA and parameter.required:
        raise RefusedValueError(f"{where}: RPC {rpc.name!r} takes data, and none was given")
    if parameter is None and data is not NO_DATA:
        raise RefusedValueError(f"{where}: RPC {rpc.name!r} takes no data")


def located(error: CodecError | PayloadError, step_name: str) -> CodecError | PayloadError:
    """The same error, with the step whose recorded result it is about."""
    return type(error)(f"the recorded result of step {step_name!r}: {error.message}")


def _position(line: tuple[str, int]) -> str:
    return f"{line[0]}:{line[1]}"
