"""PF206: workflow escapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class WorkflowEscapes(Rule):
    """`workflow` is handed to code that cannot be followed.

    pyflow follows `workflow` into functions, methods, objects and containers of the project, by what is passed and
    by annotation. It cannot follow it into other packages, global variables or attributes of objects that it does
    not know: steps made there get no worker of their own, and no documentation. The same holds for middleware of a
    workflow that comes from another package, because it gets `call.workflow`.

    Pass `workflow` to a function of the project, or keep it in an object of one of its classes.
    """

    code = "PF206"
    name = "workflow-escapes"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            async def note(flow, text: str) -> None:
                await flow.do("note", lambda: text)

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await note(workflow, data)
            """
        ),
    )
    invalid = (
        Example(
            """
            from elsewhere import run_all
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await run_all(workflow)
                data.hook = workflow.do
            """,
            marks=("workflow", "workflow.do"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Places where `workflow` leaves the code that is followed."""
        for workflow in model.workflows:
            for place in workflow.facts.escapes:
                yield self.at(
                    place.module.syntax.span(place.node),
                    f"{place.text} goes where it cannot be followed, and steps made there are not known",
                    "pass it to a function of this project",
                )
