"""PF307: asyncio sleep."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import CallRule, in_a_step
from pyflow_inspector.rules.rule import Example

if TYPE_CHECKING:
    from pyflow_inspector.conduct.site import CallFact

_SLEEPS = {"asyncio.sleep", "time.sleep", "anyio.sleep"}
_TIMEOUTS = {
    "asyncio.timeout": (0, "when"),
    "asyncio.timeout_at": (0, "when"),
    "asyncio.wait_for": (1, "timeout"),
    "asyncio.wait": (9, "timeout"),
    "asyncio.as_completed": (9, "timeout"),
    "anyio.move_on_after": (0, "delay"),
    "anyio.fail_after": (0, "delay"),
}
"""Where these take a time; without one, or with None, they wait for none."""

_BOUND = 'bound the step itself: workflow.do(..., timeout="30s"), which raises StepFailedError when it has passed'


class AsyncioSleep(CallRule):
    """Workflow code waits for time by itself.

    The loop on which a workflow runs has no timers: a process that waits may die, and with it the time that it has
    waited. `asyncio.sleep`, `asyncio.timeout` and `asyncio.wait_for` with a timeout are refused, and the run is
    blocked. That is an error here. `time.sleep` cannot be refused; it holds up every run of the process, and is a
    warning.

    To bound a step, give it a `timeout`. To try again after a while, give it `retries` and a `retry_delay`. To pause,
    let a step do it:

        await workflow.do("pause", lambda: asyncio.sleep(5))

    `asyncio.sleep(0)` waits for no time; it lets other branches go on, and is free.
    """

    code = "PF307"
    name = "asyncio-sleep"
    severity = "error"
    kind = "wait"
    step = "pause"
    because = "every run of this process waits with it, on each replay again"
    valid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("poll")
            async def poll(data: str, *, workflow) -> None:
                await asyncio.sleep(0)
                await workflow.do("ask", lambda: None, retries=20, retry_delay="30s", timeout="5s")
                await workflow.do("pause", lambda: asyncio.sleep(5))
                first = asyncio.create_task(workflow.do("first", lambda: None))
                await asyncio.wait_for(first, None)
                await asyncio.wait([asyncio.create_task(workflow.do("second", lambda: None))])
            """
        ),
        Example(
            """
            # file: app/printer.py
            import time

            def print_slowly(text: str) -> None:
                time.sleep(1)

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.printer import print_slowly

            @wire_workflow("label")
            async def label(data: str, *, workflow) -> None:
                await workflow.do("print", partial(print_slowly, data), thread=True)
            """
        ),
    )
    invalid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("poll")
            async def poll(data: str, *, workflow) -> None:
                await asyncio.sleep(30)
                async with asyncio.timeout(10):
                    await workflow.do("ask", lambda: None)
                await asyncio.wait_for(workflow.do("tell", lambda: None), timeout=5)
            """,
            marks=(
                "asyncio.sleep(30)",
                "asyncio.timeout(10)",
                'asyncio.wait_for(workflow.do("tell", lambda: None), timeout=5)',
            ),
        ),
        Example(
            """
            # file: app/pause.py
            from asyncio import sleep

            async def pause(seconds: float) -> None:
                await sleep(seconds)

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.pause import pause

            @wire_workflow("poll")
            async def poll(data: str, *, workflow) -> None:
                for attempt in range(3):
                    await workflow.do(f"ask-{attempt}", lambda: None, description="Ask")
                    await pause(2.0 ** attempt)
            """,
            marks=("sleep(seconds)",),
        ),
    )

    def applies(self, call: CallFact) -> bool:
        """What waits for no time is free."""
        if call.dotted in _TIMEOUTS:
            given = call.argument(*_TIMEOUTS[call.dotted])
            return given is not None and not _is(given, None) and super().applies(call)
        given = call.argument(0, "delay")
        return not (call.dotted in _SLEEPS and _is(given, 0)) and super().applies(call)

    def advice(self, call: CallFact) -> str:
        """A pause becomes a step, a timeout an option of the step."""
        if call.dotted not in _SLEEPS:
            return _BOUND
        return f"let a step wait, or give the step that follows retries and a retry_delay: {in_a_step(call, self.step)}"


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and isinstance(node.value, type(value))
