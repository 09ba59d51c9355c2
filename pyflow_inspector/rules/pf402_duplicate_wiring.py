"""PF402: duplicate wiring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.wiring import Wiring


class DuplicateWiring(Rule):
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

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """The second and every further wiring of a name, in the order of files and lines."""
        first: dict[tuple[str, str], Wiring] = {}
        for wiring in model.wirings:
            if wiring.name is None:
                continue
            other = first.setdefault((wiring.kind, wiring.name), wiring)
            if other is not wiring:
                what = "workflow" if wiring.kind == "workflow" else "RPC"
                place = position(other.module.syntax.span(other.anchor))
                message = f"{what} {wiring.name!r} is wired already at {place}"
                yield self.at(wiring.module.syntax.span(wiring.anchor), message, "rename or remove one of them")
