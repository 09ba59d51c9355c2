"""PF203: step not awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel

_MESSAGES = {
    "step": "this step is not awaited, so it never runs",
    "helper": "this helper makes steps and is not awaited, so it never runs",
    "invoke": "this invocation is not awaited, so it never happens",
    "group": "this is not awaited, so nobody waits for what it is given, nor gets the results",
    "rest": "this is not awaited, so neither the workflow nor the middleware inside this one runs",
}


class StepNotAwaited(Rule):
    """A step is called, and nobody awaits it.

    `workflow.do(...)` gives something to await, as any `async` function does. Without `await` the step never runs,
    and its result is missing.

    Await it, or hand it to `asyncio.gather`, `asyncio.create_task` or a task group. The same holds for helpers that
    make steps, for `rpc.invoke`, for `proceed()` in middleware, and for `asyncio.gather`, `wait`, `wait_for` and
    `shield` themselves.
    """

    code = "PF203"
    name = "step-not-awaited"
    severity = "error"
    fixes = "safe"
    valid = (
        Example(
            """
            import asyncio
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                later = workflow.do("a", lambda: 1)
                async with asyncio.TaskGroup() as group:
                    group.create_task(workflow.do("b", lambda: 2))
                await later
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> str:
                workflow.do("a", lambda: 1)
                never = workflow.do("b", lambda: 2)
                return workflow.do("c", lambda: 3)
            """,
            marks=(
                'workflow.do("a", lambda: 1)',
                'workflow.do("b", lambda: 2)',
                'workflow.do("c", lambda: 3)',
            ),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Calls whose result nobody takes."""
        from pyflow_inspector.await_fix import await_fix  # libcst takes its time to import

        for wired in model.functions:
            for pending in wired.facts.pending.values():
                if pending.is_lost:
                    yield self.at(
                        pending.module.syntax.span(pending.call),
                        _MESSAGES[pending.kind],
                        "write `await` before it, or give it to `asyncio.gather` or a task group",
                        fix=await_fix(pending.module, pending.call),
                    )
