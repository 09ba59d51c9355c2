"""PF201: unknown rpc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.metadata import Edit, Fix
from pyflow_core.naming import is_valid_name
from pyflow_core.suggest import nearest
from pyflow_inspector.rules.rule import Example, ProjectRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.unit import Target


class UnknownRpc(ProjectRule):
    """A step or an invocation names an RPC that the project does not wire.

    The run would wait for a worker that does not exist.
    """

    code = "PF201"
    name = "unknown-rpc"
    severity = "error"
    fixes = "unsafe"
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

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """Targets of steps and of `rpc.invoke` that are not wired."""
        for wired in linked.functions:
            for target in wired.targets:
                name = linked.rpc_name(target.rpc)
                if name not in linked.rpc_names:
                    near = nearest(name, linked.rpc_names)
                    advice = f"did you mean {near!r}?" if near is not None else "wire it with `wire_rpc`"
                    fix = _rename(target, near) if near is not None else None
                    yield self.at(target.span, f"there is no RPC {name!r}", advice, fix=fix)


def _rename(target: Target, name: str) -> Fix | None:
    """Unsafe, since another RPC may be meant. A reference or a constant is changed where it is made."""
    if not target.is_literal or not is_valid_name(name):
        return None
    return Fix(f"write {name!r}", safe=False, edits=(Edit(target.span, f'"{name}"'),))
