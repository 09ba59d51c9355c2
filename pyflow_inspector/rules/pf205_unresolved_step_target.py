"""PF205: unresolved step target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class UnresolvedStepTarget(Rule):
    """What a step does cannot be read from the source.

    pyflow tells an RPC from a function by the second argument of `workflow.do`, and follows variables, constants
    and annotations to find it. Where that fails it takes the target for an RPC whose name is `<dynamic>`: the step
    gets a worker that can run any RPC, and neither types nor documentation know which.

    Write the name of the RPC as a literal or a constant, or use a typed reference.
    """

    code = "PF205"
    name = "unresolved-step-target"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            CREATE = "users.create"

            @wire_rpc(CREATE)
            async def create(data: str) -> str:
                return data

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow) -> str:
                target = CREATE
                return await workflow.do("create", target, data)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow) -> str:
                return await workflow.do("create", data, 1)
            """,
            marks=("data",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Steps and invocations whose target is not known for certain."""
        for wired in model.functions:
            for step in wired.facts.steps:
                if step.form.problem is not None:
                    yield self.at(
                        step.module.syntax.span(step.target_node or step.call),
                        f"what this step does cannot be told: {step.form.problem}",
                        "write the RPC's name as a literal or constant, use a typed reference, or pass a function",
                    )
            for invoke in wired.facts.invokes:
                if invoke.name is None:
                    yield self.at(
                        invoke.place.module.syntax.span(invoke.place.node),
                        "which RPC this invokes cannot be told",
                        "write the RPC's name as a literal or constant, or use a typed reference",
                    )
