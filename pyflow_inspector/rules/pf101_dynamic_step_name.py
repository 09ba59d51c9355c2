"""PF101: dynamic step name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.steps.fact import FoundStep


class DynamicStepName(Rule):
    """The name of a step is known at run time only, and nothing describes the step.

    The documentation and the list of runs show a step by its description, or else by its name. A name that is put
    together at run time leaves both with a pattern such as `item-*`, or with nothing at all.

    Dynamic names are fine, as long as they are the same on every replay: give such a step a `description`.
    """

    code = "PF101"
    name = "dynamic-step-name"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"item-{item}", lambda: None, description="Handle one item")
            """
        ),
        Example(
            """
            from typing import Final
            from pyflow_core import wire_workflow

            PREFIX: Final = "order"

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(f"{PREFIX}-open", lambda: None)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(data, lambda: None)
            """,
            marks=("data",),
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"item-{item}", lambda: None)
            """,
            marks=('f"item-{item}"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Steps without a literal name and without a description."""
        for workflow in model.workflows:
            for step in workflow.facts.steps:
                if step.name is None and step.description is None and step.name_node is not None:
                    yield self.at(
                        step.module.syntax.span(step.name_node),
                        "step name is dynamic and will not appear in generated documentation",
                        f"add a description, so that runs stay readable:\n{_described(step)}",
                    )


def _described(step: FoundStep) -> str:
    """The call as it would be with a description."""
    code = " ".join(step.module.syntax.code(step.call).split())
    return f'await {code.removesuffix(")").rstrip(" ,")}, description="What this step does")'
