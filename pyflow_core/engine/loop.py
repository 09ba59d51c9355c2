"""The private, deterministic event loop of one execution.

The only module that touches asyncio's private names. It runs callbacks in order, knows no I/O and no clock of its
own, and reports whatever workflow code must not do instead of doing it.
"""

from __future__ import annotations

import asyncio
import sys
import types
from asyncio import events, tasks
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast
from zlib import crc32

from pyflow_core.engine.frame import caller_frame

if TYPE_CHECKING:
    import contextvars
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

T = TypeVar("T")

DRAIN_BUDGET = 100_000
"""Callbacks that one drain may run without anything new being asked for."""

_ONE_TASK_A_THREAD = sys.version_info >= (3, 14)
"""From 3.14 on asyncio knows one current task a thread, before that one a loop."""

_STEP_WRAPPER = "TaskStepMethWrapper"
_ASYNCIO_TASKS = tasks.__name__

_IN_A_STEP = "do it in a step: workflow.do(name, fn)"
_REFUSED_AWAITS = {
    "run_in_executor": f"a thread was asked for; {_IN_A_STEP}, with thread=True for a blocking function",
    "getaddrinfo": f"a name look-up; {_IN_A_STEP}",
    "getnameinfo": f"a name look-up; {_IN_A_STEP}",
    "create_connection": f"a network connection; {_IN_A_STEP}",
    "create_server": f"a server; {_IN_A_STEP}",
    "create_unix_connection": f"a socket; {_IN_A_STEP}",
    "create_unix_server": f"a server; {_IN_A_STEP}",
    "create_datagram_endpoint": f"a socket; {_IN_A_STEP}",
    "connect_accepted_socket": f"a socket; {_IN_A_STEP}",
    "connect_read_pipe": f"a pipe; {_IN_A_STEP}",
    "connect_write_pipe": f"a pipe; {_IN_A_STEP}",
    "start_tls": f"a network connection; {_IN_A_STEP}",
    "sendfile": f"a file; {_IN_A_STEP}",
    "subprocess_exec": f"a process; {_IN_A_STEP}",
    "subprocess_shell": f"a process; {_IN_A_STEP}",
    "sock_recv": f"a socket; {_IN_A_STEP}",
    "sock_recv_into": f"a socket; {_IN_A_STEP}",
    "sock_recvfrom": f"a socket; {_IN_A_STEP}",
    "sock_sendall": f"a socket; {_IN_A_STEP}",
    "sock_sendto": f"a socket; {_IN_A_STEP}",
    "sock_connect": f"a socket; {_IN_A_STEP}",
    "sock_accept": f"a socket; {_IN_A_STEP}",
    "sock_sendfile": f"a socket; {_IN_A_STEP}",
}
_REFUSED_CALLS = {
    "call_soon_threadsafe": f"a call from another thread; {_IN_A_STEP}",
    "add_reader": f"a file descriptor; {_IN_A_STEP}",
    "add_writer": f"a file descriptor; {_IN_A_STEP}",
    "remove_reader": f"a file descriptor; {_IN_A_STEP}",
    "remove_writer": f"a file descriptor; {_IN_A_STEP}",
    "add_signal_handler": "a signal handler; install it where the worker is started",
    "remove_signal_handler": "a signal handler; install it where the worker is started",
    "run_forever": f"a nested event loop; {_IN_A_STEP}",
    "run_until_complete": f"a nested event loop; {_IN_A_STEP}",
    "stop": "stopping the event loop; return from the workflow instead",
    "close": "closing the event loop; return from the workflow instead",
    "set_default_executor": f"a thread pool; {_IN_A_STEP}",
}
_TIMER = (
    "asyncio waited for time (sleep, timeout or wait_for); "
    "to bound a step use workflow.do(..., timeout='30s'), and asyncio.sleep(0) only to let other branches run"
)
_FOREIGN = (
    f"something was awaited that does not come from workflow.do, rpc.invoke or asyncio's own primitives; {_IN_A_STEP}"
)
_AS_COMPLETED = (
    "asyncio.as_completed was given coroutines, whose order would change on replay; "
    "give it tasks (asyncio.create_task) or workflow.do calls"
)


class WorkflowFuture(asyncio.Future[T]):
    """A future whose hash comes from its loop's counter, so that sets of futures iterate alike on each replay."""

    __slots__ = ("order",)
    order: int

    def __hash__(self) -> int:
        return self.order


class WorkflowTask(asyncio.Task[T]):
    """A task whose hash comes from its loop's counter, so that sets of tasks iterate alike on each replay."""

    __slots__ = ("order",)
    order: int

    def __hash__(self) -> int:
        return self.order


class _Handle:
    """A callback that is to run: asyncio's own handle without what only its own loops use."""

    __slots__ = ("args", "callback", "context", "off")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], context: contextvars.Context) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.off = False

    def cancel(self) -> None:
        self.off = True

    def cancelled(self) -> bool:
        return self.off


class WorkflowLoop(asyncio.AbstractEventLoop):
    """Runs the callbacks of one execution, in order, only inside `drain`.

    `seed` (the run's id) sets the counter's start: replays of one run agree on every hash, while different runs
    differ, which keeps asyncio's own sets of all tasks fast. `refuse` is told of whatever workflow code must not do;
    it is expected to set `stopped`, after which the drain ends. Set `progress` when something new is asked for.
    """

    def __init__(self, seed: str, refuse: Callable[[str], None]) -> None:
        self.now = 0.0
        self.stopped = False
        self.progress = False
        self.problems: list[dict[str, Any]] = []
        self.refuse = refuse
        self._ready: deque[_Handle] = deque()
        self._counter = crc32(seed.encode())
        self._tasks = 0
        self._live: set[WorkflowTask[Any]] = set()
        self._generators: dict[int, AsyncGenerator[Any, Any]] = {}

    # --- what asyncio asks for

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:  # noqa: FBT001 - the signature of asyncio
        del enabled

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def time(self) -> float:
        return self.now

    def next_order(self) -> int:
        """The next number of the counter, for whatever has to hash alike on each replay."""
        self._counter += 1
        return self._counter

    def call_soon(  # type: ignore[override] # asyncio's callbacks take anything
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> Any:
        if type(callback).__name__ == _STEP_WRAPPER and _awaits_a_stranger(cast("Any", callback).__self__):
            self.refuse(_FOREIGN)
        handle = _Handle(callback, args, copy_context() if context is None else context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override] # asyncio's callbacks take anything
        self, delay: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override] # asyncio's callbacks take anything
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        self.refuse(_TIMER)
        return asyncio.TimerHandle(when, callback, args, self, context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asyncio calls this when a timer is cancelled; none is ever armed."""

    def create_future(self) -> WorkflowFuture[Any]:
        return self.make_future(WorkflowFuture)

    def make_future(self, kind: type[WorkflowFuture[Any]]) -> WorkflowFuture[Any]:
        """A future of a kind of ours. Its hash is set first: asyncio may put it into a set while it is made."""
        future = kind.__new__(kind)
        future.order = self.next_order()
        future.__init__(loop=self)  # type: ignore[misc] # two-step construction, as said above
        return future

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: contextvars.Context | None = None,
        **_ignored: object,
    ) -> WorkflowTask[T]:
        if isinstance(coro, types.CoroutineType) and _inside_as_completed():
            self.refuse(_AS_COMPLETED)
        task = cast("WorkflowTask[T]", WorkflowTask.__new__(WorkflowTask))
        task.order = self.next_order()
        self._tasks += 1
        label = f"branch-{self._tasks}" if name is None else str(name)
        task.__init__(cast("Any", coro), loop=self, name=label, context=context)  # type: ignore[misc] # as above
        self._live.add(task)
        task.add_done_callback(self._live.discard)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.problems.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.problems.append(context)

    async def shutdown_asyncgens(self) -> None:
        """Nothing to do: generators are closed when the execution ends."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Nothing to do: there is no executor."""

    # --- what the execution asks for

    def drain(self) -> bool:
        """Run callbacks until none is ready or the loop is stopped. False if the budget was spent without progress."""
        ready = self._ready
        left = DRAIN_BUDGET
        outside = self._enter()
        try:
            while ready and not self.stopped:
                handle = ready.popleft()
                if not handle.off:
                    self._run(handle)
                left -= 1
                if not left:
                    if not self.progress:
                        return False
                    self.progress = False
                    left = DRAIN_BUDGET
        finally:
            self._leave(outside)
        return True

    def _run(self, handle: _Handle) -> None:
        try:
            handle.context.run(handle.callback, *handle.args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - asyncio reports what callbacks raise, and goes on
            # asyncio raises the `SystemExit` of a task once more, after it has put it into the task.
            if not (isinstance(error, SystemExit) and isinstance(_owner(handle.callback), asyncio.Task)):
                self.problems.append({"message": "a callback failed", "exception": error})

    def live_tasks(self) -> list[WorkflowTask[Any]]:
        """The tasks that are not done, oldest first."""
        return sorted(self._live, key=lambda task: task.order)

    @property
    def open_generators(self) -> bool:
        """Whether asynchronous generators were begun since they were last closed."""
        return bool(self._generators)

    def close_generators(self) -> None:
        """Close the asynchronous generators that were left open, as tasks to be drained."""
        if not self._generators:
            return
        generators, self._generators = list(self._generators.values()), {}
        outside = self._enter()
        try:
            for generator in generators:
                if generator.ag_running or generator.ag_frame is not None:  # type: ignore[attr-defined]
                    self.create_task(generator.aclose())
        finally:
            self._leave(outside)

    def forget(self) -> None:
        """Drop every callback that has not run; nothing is refused any more."""
        self._ready.clear()
        self.refuse = _nobody

    def _enter(self) -> Any:
        """Become the running loop of this thread, in place of the host's; what `_leave` puts back."""
        host = events._get_running_loop()
        task = None
        if _ONE_TASK_A_THREAD and host is not None and (task := asyncio.current_task(host)) is not None:
            tasks._leave_task(host, task)
        hooks = sys.get_asyncgen_hooks()
        events._set_running_loop(self)
        sys.set_asyncgen_hooks(self._keep_generator, _never_finalise)
        return host, task, hooks

    def _leave(self, outside: Any) -> None:
        host, task, hooks = outside
        sys.set_asyncgen_hooks(*hooks)
        events._set_running_loop(host)
        if task is not None:
            tasks._enter_task(host, task)

    def _keep_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        # A strong reference: a collected generator would run its `finally` inside another run, or another thread.
        self._generators[id(generator)] = generator


_kept: list[WorkflowTask[Any]] = []
"""Tasks of retired executions that would not end. They are never collected."""


def keep_for_ever(task: WorkflowTask[Any]) -> None:
    """Keep a task that will never be done from the collector, and asyncio from complaining about it."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    _kept.append(task)


def _nobody(what: str) -> None:
    """Whom the loop of a retired execution tells of refusals."""
    del what


def _never_finalise(generator: object) -> None:
    """Generators are kept until the execution ends, so asyncio's finaliser has nothing to do."""
    del generator


def _awaits_a_stranger(task: asyncio.Task[Any]) -> bool:
    """Whether a task is being resumed because it awaited what its loop cannot wait for.

    Asyncio then schedules the task's next step with an error. At that moment the chain of awaits ends in the
    stranger's iterator; after a bare `yield` (`asyncio.sleep(0)`) or before the first step it ends in a frame.
    """
    inner: Any = task.get_coro()
    while (link := _AWAITED_BY.get(type(inner).__name__)) is not None:
        following: Any = getattr(inner, link)
        if following is None:
            return False
        inner = following
    return not hasattr(inner, "send") or type(inner).__name__ == "FutureIter"


running_loop = events._get_running_loop
"""The running loop of this thread, or None."""

_AWAITED_BY = {"coroutine": "cr_await", "generator": "gi_yieldfrom", "async_generator": "ag_await"}


def _inside_as_completed() -> bool:
    frame = caller_frame(2)
    while frame.f_globals.get("__name__") == _ASYNCIO_TASKS:
        if frame.f_code.co_name == "as_completed" or frame.f_code.co_qualname.startswith("_AsCompletedIterator"):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


def _refused_await(what: str) -> Callable[..., Any]:
    def refused(self: WorkflowLoop, *_args: object, **_kwargs: object) -> WorkflowFuture[Any]:
        self.refuse(what)
        return self.create_future()  # never done: the call that met the refusal never returns

    return refused


def _refused_call(what: str) -> Callable[..., Any]:
    def refused(self: WorkflowLoop, *_args: object, **_kwargs: object) -> NoReturn:
        self.refuse(what)
        raise RuntimeError(what)

    return refused


for _name, _what in _REFUSED_AWAITS.items():
    setattr(WorkflowLoop, _name, _refused_await(_what))
for _name, _what in _REFUSED_CALLS.items():
    setattr(WorkflowLoop, _name, _refused_call(_what))
WorkflowLoop.__abstractmethods__ = frozenset()  # type: ignore[attr-defined] # all of them are set above


def new_loop(seed: str, refuse: Callable[[str], None]) -> WorkflowLoop:
    """A loop; type checkers do not see that its refusals are set above."""
    kind: Any = WorkflowLoop
    loop: WorkflowLoop = kind(seed, refuse)
    return loop


def _owner(callback: Callable[..., Any]) -> object:
    return getattr(callback, "__self__", None)
