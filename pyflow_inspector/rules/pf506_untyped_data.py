"""PF506: untyped data."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel

_ANYTHING = {"Any", "object"}
_CONTAINERS = {"dict", "list", "tuple", "set", "frozenset", "Dict", "List", "Tuple", "Set", "Mapping", "Sequence"}


class UntypedData(Rule):
    """The data of a workflow or an RPC may be anything.

    `Any`, `object` and containers without types are stored as they are, and nothing is checked: not by type checkers
    where it is started, not when it is read in another process. The documentation has nothing to show.

    Say what it is: a model, a data class, a `TypedDict`, or a container with types.
    """

    code = "PF506"
    name = "untyped-data"
    severity = "info"
    valid = (
        Example(
            """
            from typing import TypedDict

            from pyflow_core import wire_rpc

            class NewUser(TypedDict):
                email: str

            @wire_rpc("users.create")
            async def create(data: NewUser) -> dict[str, str]: ...

            @wire_rpc("users.find")
            async def find(data: list[str]) -> list: ...
            """
        ),
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.count")
            async def count(*, db: object) -> int:
                return 0
            """
        ),
    )
    invalid = (
        Example(
            """
            from typing import Any

            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(data: Any) -> None: ...

            @wire_rpc("users.find")
            async def find(data: dict[str, Any]) -> None: ...

            @wire_workflow("sign-up")
            async def sign_up(data: dict, *, workflow) -> None: ...
            """,
            marks=("Any", "dict[str, Any]", "dict"),
        ),
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: "object | None") -> None: ...
            """,
            marks=('"object | None"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Annotations of data that say nothing."""
        for wired in model.functions:
            annotation = wired.signature.data
            if annotation is not None and _is_untyped(annotation.meta.text):
                text = f"the data is declared as {annotation.meta.text!r}, and nothing of it can be checked"
                advice = "declare a model, a data class or a TypedDict"
                yield self.at(annotation.module.syntax.span(annotation.node), text, advice)


def _is_untyped(text: str) -> bool:
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    if isinstance(tree, ast.Name | ast.Attribute) and _last(tree) in _CONTAINERS:
        return True
    return any(_last(node) in _ANYTHING for node in ast.walk(tree))


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
