"""An inline step: a function that runs in the orchestrator, with its own retries and timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from pyflow_core.engine.attempt import failed_attempt, was_cancelled
from pyflow_core.engine.outcome import Result
from pyflow_core.options import dump_options
from pyflow_core.payload.handle import use_payload_access
from pyflow_core.ports.state import OMITTED, InlineRetry, StepForm, StepResult

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable

    from pyflow_core.clock import Clock
    from pyflow_core.engine.command import AskInline
    from pyflow_core.engine.runtime import Runtime
    from pyflow_core.errors import ErrorInfo
    from pyflow_core.options import StepPolicy
    from pyflow_core.payload.draft import Draft
    from pyflow_core.ports.state import Envelope


class InlineStep:
    """Runs an inline step from `attempts` tries before; tells `done` of each failed try and of the result.

    A plain function of a first try without timeout runs at once, on the host's loop, with no task: it is the hot path.
    `done` gets a `Result`, an `InlineRetry`, or None if the step was cancelled.
    """

    __slots__ = (
        "_ask",
        "_attempts",
        "_clock",
        "_done",
        "_due_at",
        "_policy",
        "_runtime",
        "_started_at",
        "_stopped",
        "_task",
    )

    def __init__(
        self,
        runtime: Runtime,
        clock: Clock,
        ask: AskInline,
        attempts: int,
        due_at: float,
        done: Callable[[Any, str], None],
        tenant: str,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._ask = ask
        self._attempts = attempts
        self._due_at = due_at
        self._done = done
        self._policy: StepPolicy = runtime.default_policy.with_options(ask.options)
        self._started_at = 0.0
        self._stopped = False
        self._task: asyncio.Task[None] | None = None
        access = runtime.values.access_of(tenant)
        if access is not None:  # in the caller's context, which is that of workflow code, none is allowed
            ask.context.run(use_payload_access, access)

    def start(self) -> None:
        """Run the next attempt, or wait until it is due."""
        waits = self._due_at and self._due_at > self._clock.time()
        if waits or self._policy.timeout is not None or self._ask.options.get("thread"):
            self._spawn(self._attempt_later(), self._ask.context.copy())
            return
        self._started_at = self._clock.time()
        self._attempts += 1
        try:
            value = self._ask.context.run(self._ask.function)
        except (Exception, asyncio.CancelledError, SystemExit) as error:  # noqa: BLE001 - whatever the step raised
            self._failed(error)
            return
        if hasattr(value, "__await__"):
            self._spawn(self._finish(value), self._ask.context, value)
        else:
            self._succeeded(value)

    def cancel(self) -> None:
        """Stop; a step that ends all the same is recorded."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None], context: contextvars.Context, value: Any = None) -> None:
        self._task = asyncio.create_task(work, context=context)
        self._task.add_done_callback(partial(self._ended, value))

    def _ended(self, value: Any, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            # If it was cancelled before it began, nobody will ever await what the function gave.
            if isinstance(value, Coroutine):
                value.close()
            self._done(None, self._ask.step_name)

    async def _attempt_later(self) -> None:
        await self._clock.sleep(max(0.0, self._due_at - self._clock.time()))
        self._started_at = self._clock.time()
        self._attempts += 1
        await self._finish(self._call())

    async def _call(self) -> Any:
        if self._ask.options.get("thread"):
            value = await self._runtime.in_thread(self._ask.function)
        else:
            value = self._ask.function()
        return await value if hasattr(value, "__await__") else value

    async def _finish(self, awaitable: Any) -> None:
        try:
            value = await self._runtime.within(self._policy.timeout, awaitable)
        except asyncio.CancelledError as error:
            if was_cancelled():
                raise
            self._failed(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the step raised
            self._failed(error)
        else:
            self._succeeded(value)

    def _succeeded(self, value: Any) -> None:
        ask = self._ask
        try:
            written = self._runtime.values.write(ask.codec, value, ask.options, ask.options.get("context"))
            if written.draft is not None:
                self._runtime.values.check_size(written.draft, ask.options)
        except Exception as error:  # noqa: BLE001 - a value that cannot be stored fails the step
            self._failed(error)
            return
        self._report(written.envelope, None, written.fresh, written.draft)

    def _failed(self, error: BaseException) -> None:
        info, delay = failed_attempt(error, self._policy, self._attempts)
        if delay is None or self._stopped:
            self._report(OMITTED, info, None, None)
            return
        ask = self._ask
        self._due_at = self._clock.time() + delay
        retry = InlineRetry(
            ask.step_name,
            self._attempts,
            info,
            self._due_at,
            ask.asked_at,
            ask.options.get("description"),
            dump_options(ask.options),
        )
        self._done(retry, ask.step_name)
        self._spawn(self._attempt_later(), ask.context.copy())

    def _report(self, output: Envelope, error: ErrorInfo | None, value: Any, draft: Draft | None) -> None:
        ask = self._ask
        result = StepResult(
            StepForm.INLINE,
            ask.step_name,
            0,
            self._attempts,
            output,
            error,
            ask.asked_at,
            ask.options.get("description"),
            dump_options(ask.options) if ask.options else None,
            self._started_at,
            self._clock.time(),
        )
        self._done(Result(result, value, None, draft), ask.step_name)
