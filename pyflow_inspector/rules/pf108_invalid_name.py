"""PF108: invalid name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.naming import is_valid_name
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class InvalidName(Rule):
    """The name of a workflow or RPC has characters that modules, queues and addresses cannot have.

    A name consists of segments with a dot between them. A segment starts with a lower-case letter and goes on with
    lower-case letters, digits, `_` and `-`. A name has at most 200 characters.
    """

    code = "PF108"
    name = "invalid-name"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("user-accounts.create_2")
            async def create(data: str) -> str:
                return data
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("Users.create")
            async def create(data: str) -> str:
                return data
            """,
            marks=('"Users.create"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Names that do not match the grammar."""
        for wiring in model.wirings:
            if wiring.name is not None and not is_valid_name(wiring.name):
                what = "a workflow" if wiring.kind == "workflow" else "an RPC"
                yield self.at(
                    wiring.module.syntax.span(wiring.anchor),
                    f"{wiring.name!r} cannot name {what}",
                    "use segments of lower-case letters, digits, `_` and `-`, with dots between them",
                )
