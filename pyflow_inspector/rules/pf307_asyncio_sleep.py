"""PF307: asyncio sleep."""

from __future__ import annotations

import ast
from dataclasses import replace
from itertools import chain, count
from typing import TYPE_CHECKING

from pyflow_core.metadata import Edit, Fix
from pyflow_inspector.rules.call_rule import CallRule, conducts, in_a_step
from pyflow_inspector.rules.rule import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

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

    `--unsafe-fixes` makes a step of a pause. It is unsafe because runs in flight do not have that step.
    """

    code = "PF307"
    name = "asyncio-sleep"
    severity = "error"
    fixes = "unsafe"
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

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """The findings; a pause of the workflow's own function comes with a fix."""
        for conduct in conducts(model):
            names = {step.name for step in conduct.step_calls.values()}
            for call in conduct.calls:
                if call.group is not None and call.group.kind == self.kind and self.applies(call):
                    found = self.finding(call)
                    yield replace(found, fix=_pause(call, names)) if _can_pause(conduct, call) else found

    def applies(self, call: CallFact) -> bool:
        """What waits for no time is free."""
        if call.dotted in _TIMEOUTS:
            given = call.argument(*_TIMEOUTS[call.dotted])
            waits = given is not None and not _is(given, None) and not _is(given, 0)
            return waits and super().applies(call)
        given = call.argument(0, "delay")
        return not (call.dotted in _SLEEPS and _is(given, 0)) and super().applies(call)

    def advice(self, call: CallFact) -> str:
        """A pause becomes a step, a timeout an option of the step."""
        if call.dotted not in _SLEEPS:
            return _BOUND
        return f"let a step wait, or give the step that follows retries and a retry_delay: {in_a_step(call, self.step)}"


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and isinstance(node.value, type(value))


def _can_pause(conduct: Conduct, call: CallFact) -> bool:
    """Whether a pause can become a step where it stands: it runs once, and `workflow` is at hand."""
    if call.dotted != "asyncio.sleep" or call.site.scope is not conduct.root or call.site.stand.repeated:
        return False
    binding = call.site.scope.only("workflow")
    moved = (part for arg in call.node.args for part in ast.walk(arg))
    is_movable = not any(isinstance(part, ast.Await | ast.NamedExpr | ast.Yield) for part in moved)
    return isinstance(call.site.parent, ast.Await) and binding is not None and is_movable


def _pause(call: CallFact, names: set[str | None]) -> Fix:
    """The pause as a step with a name that no other step has."""
    free = (name for name in chain(["sleep"], map("sleep-{}".format, count(2))) if name not in names)
    name = next(free)
    names.add(name)
    text = f'workflow.do("{name}", lambda: {call.site.code})'
    return Fix(f"let a step named {name} wait", safe=False, edits=(Edit(call.site.span, text),))
