"""PF204: step outside workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class StepOutsideWorkflow(Rule):
    """An RPC asks for `workflow`, or makes steps.

    Only the function of a workflow is given `workflow`. An RPC is one step of a run: what it does is done again as a
    whole if it fails, and it cannot be continued half-way.

    Call other RPCs by `rpc.invoke`, or move the steps into the workflow.
    """

    code = "PF204"
    name = "step-outside-workflow"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("orders.price")
            async def price(data: str) -> int:
                return len(data)

            @wire_rpc("orders.total")
            async def total(data: list[str], *, rpc, logger, step) -> int:
                logger.info("attempt %s", step.attempt)
                return sum([await rpc.invoke("orders.price", item) for item in data])
            """
        ),
        Example(
            """
            from pyflow_core import WorkflowContext, wire_workflow

            async def note(workflow: WorkflowContext, text: str) -> None:
                await workflow.do("note", lambda: text)

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await note(workflow, data)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("orders.place")
            async def place(data: str, *, workflow, db) -> str:
                return await db.add(data)
            """,
            marks=("workflow",),
        ),
        Example(
            """
            from pyflow_core import WorkflowContext, wire_rpc

            @wire_rpc("orders.ship")
            async def ship(data: str, *, context: WorkflowContext) -> str:
                return await context.do("ship", lambda: data)
            """,
            marks=('context.do("ship", lambda: data)',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Parameters and calls of RPC functions."""
        for rpc in model.rpcs:
            for param in rpc.node.params.kwonly_params:
                if param.name.value == "workflow" and param.default is None:
                    yield self.at(
                        rpc.module.syntax.span(param),
                        "an RPC is not given `workflow`, which only the functions of workflows are",
                        "call other RPCs by `rpc.invoke`, or move the steps into a workflow",
                    )
            for step in rpc.facts.steps:
                yield self.at(
                    step.module.syntax.span(step.call),
                    "this makes a step, and an RPC cannot",
                    "call other RPCs by `rpc.invoke`, or move the step into a workflow",
                )
