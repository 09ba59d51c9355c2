"""PF403: workflow not async."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class WorkflowNotAsync(Rule):
    """A workflow is a plain `def`.

    A workflow waits for its steps, which only an `async def` can do. RPCs may be either.
    """

    code = "PF403"
    name = "workflow-not-async"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("orders.price")
            def price(data: str) -> str:
                return data

            @wire_workflow("orders")
            async def orders(data: str) -> str:
                return data
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            def orders(data: str) -> str:
                return data
            """,
            marks=("orders",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Workflows without `async`."""
        for workflow in model.workflows:
            if not workflow.signature.is_async:
                yield self.at(
                    workflow.module.syntax.function_name_span(workflow.node),
                    f"workflow {workflow.name!r} is not async",
                    "write `async def`",
                )
