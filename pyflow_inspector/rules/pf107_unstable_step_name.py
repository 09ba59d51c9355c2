"""PF107: unstable step name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import conducts, shown_name
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_UNSURE = {"builtins.hash"}
"""The same in all processes for numbers, and for texts if the environment says so."""


class UnstableStepName(Rule):
    """The name of a step is another one on every replay.

    A replay finds the result of a step by the step's name. A name that is made of the time, of random numbers, of a
    new UUID, or of `id()` is not found again: the step would be executed once more, so the run is refused and
    blocked.

    Make the name of what the workflow was given, or of the results of earlier steps. If a name must be drawn, draw it
    in a step.

    With `hash()` this is a warning, since that is the same everywhere for numbers.
    """

    code = "PF107"
    name = "unstable-step-name"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for number, item in enumerate(data):
                    await workflow.do(f"pack-{number}-{item}", lambda: None, description="Pack one item")
            """
        ),
        Example(
            """
            import uuid

            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                batch = await workflow.do("drawBatch", lambda: str(uuid.uuid4()))
                await workflow.do(f"pack-{batch}", lambda: None, description="Pack the batch")
            """
        ),
    )
    invalid = (
        Example(
            """
            import uuid
            from datetime import datetime

            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(f"pack-{uuid.uuid4()}", lambda: None, description="Pack")
                day = datetime.now().date()
                key = "report-" + day.isoformat()
                await workflow.do(key, lambda: None, description="Report")
            """,
            marks=('f"pack-{uuid.uuid4()}"', "key"),
            also=("PF301", "PF302"),
        ),
        Example(
            """
            from time import time_ns

            from pyflow_core import wire_workflow

            def stamped(word: str) -> str:
                return f"{word}-{time_ns()}"

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(stamped(item), lambda: None, description="Pack")
            """,
            marks=("stamped(item)",),
            also=("PF301",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Step names that rest on what differs from replay to replay."""
        for conduct in conducts(model):
            sources = [call for call in conduct.calls if _is_unstable(call)]
            if sources:
                yield from self._names(conduct, sources)

    def _names(self, conduct: Conduct, sources: list[CallFact]) -> Iterator[Diagnostic]:
        from pyflow_inspector.conduct.taint import Untracked  # libcst takes its time to import

        each = [(call, Untracked(conduct, {call.site.node})) for call in sources]
        for stand in conduct.bodies:
            for node in stand.scope.nodes if stand.step is None else ():
                if not isinstance(node, ast.Call) or node not in conduct.step_calls or not node.args:
                    continue
                behind = [call for call, trace in each if trace.is_in(node.args[0], stand.scope)]
                if behind:
                    yield self._finding(stand.scope.module.syntax.span(node.args[0]), behind)

    def _finding(self, span: Span, behind: list[CallFact]) -> Diagnostic:
        certain = [call for call in behind if call.dotted not in _UNSURE]
        named = shown_name((certain or behind)[0])
        return self.at(
            span,
            f"this step name is made of {named}(), and is another one on every replay",
            "make it of the workflow's data or of results of steps, or draw it in a step of its own",
            severity="error" if certain else "warning",
        )


def _is_unstable(call: CallFact) -> bool:
    return call.group is not None and call.group.kind in {"clock", "random"} and not call.site.in_step
