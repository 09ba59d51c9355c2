"""PF201: unknown rpc."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pyflow_core.naming import DYNAMIC
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libcst as cst

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.project import Module


class UnknownRpc(Rule):
    """A step or an invocation names an RPC that the project does not wire.

    The run would wait for a worker that does not exist.
    """

    code = "PF201"
    name = "unknown-rpc"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow) -> str:
                return await workflow.do("create", "users.create", data)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow
            from pyflow_gen import rpcs

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow, rpc) -> str:
                await workflow.do("one", "users.creat", data)
                await workflow.do("two", rpcs.users.crate(data))
                return await rpc.invoke("user.create", data)
            """,
            marks=('"users.creat"', "rpcs.users.crate", '"user.create"'),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Targets of steps and of `rpc.invoke` that are not wired."""
        for wired in model.functions:
            for step in wired.facts.steps:
                form = step.form
                if form.type == "rpc" and form.rpc_name not in {None, DYNAMIC} and step.target_node is not None:
                    name = model.rpc_name(form.rpc_name or "", is_reference=form.is_reference)
                    yield from self._unknown(model, name, step.module, step.target_node)
            for invoke in wired.facts.invokes:
                if invoke.name is not None:
                    name = model.rpc_name(invoke.name, is_reference=invoke.is_reference)
                    yield from self._unknown(model, name, invoke.place.module, invoke.place.node)

    def _unknown(self, model: ProjectModel, name: str, module: Module, node: cst.CSTNode) -> Iterator[Diagnostic]:
        if name in model.rpc_names:
            return
        near = difflib.get_close_matches(name, sorted(model.rpc_names), n=1)
        advice = f"did you mean {near[0]!r}?" if near else "wire it with `wire_rpc`"
        yield self.at(module.syntax.span(node), f"there is no RPC {name!r}", advice)
