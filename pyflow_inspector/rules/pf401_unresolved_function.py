"""PF401: unresolved function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class UnresolvedFunction(Rule):
    """The function of a wiring cannot be found in the project.

    pyflow reads the signature and the code of a wired function. It must be a `def` or `async def` of this project,
    named where it is wired: no lambda, no `functools.partial`, nothing from another package.
    """

    code = "PF401"
    name = "unresolved-function"
    severity = "error"
    valid = (
        Example(
            """
            # file: app/users.py
            async def create(data: str) -> str:
                return data
            # file: app/wiring.py
            from app import users
            from pyflow_core import wire_rpc

            wire_rpc(name="users.create", func=users.create)
            """
        ),
    )
    invalid = (
        Example(
            """
            from elsewhere import create
            from pyflow_core import wire_rpc

            wire_rpc("users.create", create)
            wire_rpc("users.delete", lambda data: data)
            wire_rpc("users.rename")
            """,
            marks=("create", "lambda data: data", 'wire_rpc("users.rename")'),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Wirings that are called, and whose function is not found."""
        for wiring in model.wirings:
            if wiring.call is None or wiring.function is not None:
                continue
            if wiring.function_node is None:
                message = f"wire_{wiring.kind} is neither a decorator here nor given a function"
            else:
                message = "this is no function of the project that can be read"
            yield self.at(
                wiring.module.syntax.span(wiring.function_node or wiring.call),
                message,
                "name a `def` or `async def` of this project, or use the decorator",
            )
