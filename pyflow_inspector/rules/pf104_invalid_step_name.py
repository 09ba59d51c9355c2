"""PF104: invalid step name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.naming import is_valid_step_literal
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class InvalidStepName(Rule):
    """A literal step name has characters that queues, classes and addresses cannot have.

    A step name starts with a letter, and goes on with letters, digits, `_`, `.` and `-`, at most 200 in all.
    """

    code = "PF104"
    name = "invalid-step-name"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("open.order-2_b", lambda: None)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("open order", lambda: None)
                await workflow.do("", lambda: None)
            """,
            marks=('"open order"', '""'),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Literal names that do not match the grammar."""
        for workflow in model.workflows:
            for step in workflow.facts.steps:
                if step.name is not None and not is_valid_step_literal(step.name):
                    yield self.at(
                        step.module.syntax.span(step.name_node or step.call),
                        f"{step.name!r} cannot name a step",
                        "start with a letter; then letters, digits, `_`, `.` and `-`; at most 200 characters",
                    )
