"""PF207: nested step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class NestedStep(Rule):
    """A function that a step runs makes steps itself.

    Such a function runs outside the replay, where `workflow` refuses to work. Make the steps in the workflow, or in
    a helper that the workflow calls.
    """

    code = "PF207"
    name = "nested-step"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                async def both() -> None:
                    await workflow.do("a", lambda: 1)
                    await workflow.do("b", lambda: 2)
                await both()
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("a", lambda: workflow.do("b", lambda: 2))
            """,
            marks=('workflow.do("b", lambda: 2)',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Calls of `workflow` inside step functions."""
        for workflow in model.workflows:
            for place in workflow.facts.nested:
                yield self.at(
                    place.module.syntax.span(place.node),
                    f"{place.text} is called inside a function that a step runs",
                    "make this step in the workflow itself",
                )
