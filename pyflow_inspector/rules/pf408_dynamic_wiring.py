"""PF408: dynamic wiring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule
from pyflow_inspector.source import is_importable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.wiring import Wiring

_PLACES = {"function": "inside a function", "loop": "in a loop", "class": "inside a class"}


class DynamicWiring(Rule):
    """A wiring can be understood only by running it, or stands where nobody can import it from.

    pyflow reads wirings from the source. A name must be a literal or a constant, and the wiring must stand at the
    top level of its module: what a loop or a function wires depends on when it runs, and how often. Workers import
    that module, so its file must have a name that can be imported: `my_flows.py`, and neither `my-flows.py` nor
    `class.py`, nor a `__main__.py` outside of every package. Scripts that are not meant to be part of the project are
    left out with `exclude`; folders such as `load-tests` are never read.
    """

    code = "PF408"
    name = "dynamic-wiring"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            NAME = "users.create"

            @wire_rpc(NAME)
            async def create(data: str) -> str:
                return data
            """
        ),
    )
    invalid = (
        Example(
            """
            import os
            from pyflow_core import wire_rpc

            @wire_rpc(os.environ["NAME"])
            async def create(data: str) -> str:
                return data

            def wire_all() -> None:
                wire_rpc("users.create", create)

            wires = [wire_rpc]
            """,
            marks=('os.environ["NAME"]', 'wire_rpc("users.create", create)', "wire_rpc"),
        ),
        Example(
            """
            # file: app/user-functions.py
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data
            """,
            marks=('"users.create"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Wirings without a readable name, not at the top level, or in a file that cannot be imported."""
        for wiring in model.wirings:
            message = _problem(wiring)
            if message is not None:
                node = wiring.anchor if wiring.name is None else wiring.node
                advice = "wire it at the top level of a module, under a literal name"
                yield self.at(wiring.module.syntax.span(node), message, advice)
            elif not is_importable(wiring.module.name):
                span = wiring.module.syntax.span(wiring.anchor)
                message = f"wire_{wiring.kind} is called in a file that no other can import: {span.file!r}"
                yield self.at(span, message, "rename the file, or leave it out: `exclude` in [tool.pyflow]")


def _problem(wiring: Wiring) -> str | None:
    function = f"wire_{wiring.kind}"
    if wiring.call is None:
        return f"{function} is used here without being called, so what it wires cannot be told"
    if wiring.name_node is None:
        return f"{function} is given no name"
    if wiring.name is None:
        return f"the name given to {function} is not a literal"
    place = _PLACES.get(wiring.place)
    return None if place is None else f"{function} is called {place}"
