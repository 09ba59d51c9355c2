"""PF102: duplicate step name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule, position
from pyflow_inspector.steps.fact import are_exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.model import ProjectModel, WiredFunction
    from pyflow_inspector.steps.fact import FoundStep

_ADVICE = "a step's name is its key in the run, and a second use is refused there: give this step a name of its own"


class DuplicateStepName(Rule):
    """Two steps of one run have the same name.

    The name of a step is the key under which its result is kept. A run refuses to use a name twice, because the
    second step would get the result of the first.

    Branches that exclude each other may share a name, if both have the same form and call the same RPC.
    """

    code = "PF102"
    name = "duplicate-step-name"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: bool, *, workflow) -> str:
                if data:
                    return await workflow.do("price", lambda: "high")
                else:
                    return await workflow.do("price", lambda: "low")
            """
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: bool, *, workflow) -> str:
                if data:
                    return await workflow.do("price", lambda: "high")
                return await workflow.do("price", lambda: "low")
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("open", lambda: 1)
                await workflow.do("open", lambda: 2)
            """,
            marks=('"open"',),
        ),
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("orders.price")
            async def price(data: str) -> str:
                return data

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> str:
                if data:
                    return await workflow.do("price", "orders.price", data)
                return await workflow.do("price", lambda: "low")
            """,
            marks=('"price"',),
        ),
        Example(
            """
            from pyflow_core import WorkflowContext, wire_workflow

            async def note(workflow: WorkflowContext) -> None:
                await workflow.do("note", lambda: None)

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await note(workflow)
                await note(workflow)
            """,
            marks=("note(workflow)",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Pairs of steps with one literal name, and helpers that lead to a step twice."""
        for workflow in model.workflows:
            yield from self._pairs(workflow)
            for reuse in workflow.facts.reuses:
                first = position(_name_span(reuse.step))
                message = f"this leads to step {reuse.step.name!r} ({first}) a second time"
                yield self.at(reuse.place.module.syntax.span(reuse.place.node), message, _ADVICE)

    def _pairs(self, workflow: WiredFunction) -> Iterator[Diagnostic]:
        earlier: dict[str, list[FoundStep]] = {}
        for step in sorted(workflow.facts.steps, key=lambda step: step.order):
            if step.name is None:
                continue
            for first in earlier.get(step.name, ()):
                clash = _clash(first, step)
                if clash is not None:
                    message = f"step name {step.name!r} is used already at {position(_name_span(first))}{clash}"
                    yield self.at(_name_span(step), message, _ADVICE)
                    break
            earlier.setdefault(step.name, []).append(step)


def _clash(first: FoundStep, second: FoundStep) -> str | None:
    """Why two steps cannot share a name, if they cannot."""
    if not all(are_exclusive(one, other) for one in first.ways for other in second.ways):
        return ""
    if (first.form.type, first.form.rpc_name) != (second.form.type, second.form.rpc_name):
        return ", for something else"
    return None


def _name_span(step: FoundStep) -> Span:
    return step.module.syntax.span(step.name_node or step.call)
