"""PF402: duplicate wiring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, ProjectRule, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.unit import WiringFact


class DuplicateWiring(ProjectRule):
    """One name is wired twice.

    Which of the two functions would run depends on which module is imported last.
    """

    code = "PF402"
    name = "duplicate-wiring"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("orders")
            async def order(data: str) -> str:
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
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_rpc("users.create")
            async def create_again(data: str) -> str:
                return data
            """,
            marks=('"users.create"',),
        ),
    )

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """The second and every further wiring of a name, in the order of files and lines."""
        first: dict[tuple[str, str], WiringFact] = {}
        for wiring in linked.wirings:
            if wiring.name is None:
                continue
            other = first.setdefault((wiring.kind, wiring.name), wiring)
            if other is not wiring:
                what = "workflow" if wiring.kind == "workflow" else "RPC"
                message = f"{what} {wiring.name!r} is wired already at {position(other.anchor)}"
                yield self.at(wiring.anchor, message, "rename or remove one of them")
