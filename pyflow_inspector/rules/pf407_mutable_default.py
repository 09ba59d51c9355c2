"""PF407: mutable default."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel

_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MAKERS = {"list", "dict", "set", "bytearray"}


class MutableDefault(Rule):
    """A wired function has a default value that can be changed.

    Python makes a default once, and all calls in a process share it. What one run puts into it, the next one finds
    there, and a replay in another process does not.

    Take `None`, and make the value in the function.
    """

    code = "PF407"
    name = "mutable-default"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.find")
            async def find(data: list[str] | None = None, *, limit: int = 3) -> list[str]:
                return data or []
            """
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("search")
            async def search(data: tuple[str, ...] = (), *, workflow) -> frozenset[str]:
                return frozenset(data)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.find")
            async def find(data: list[str] = [], *, seen: dict[str, str] = {}) -> list[str]:
                return data
            """,
            marks=("data: list[str]", "seen: dict[str, str]"),
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("search")
            async def search(data: set[str] = set(), *, workflow) -> None: ...
            """,
            marks=("data: set[str]",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Defaults of parameters that are containers."""
        for wired in model.functions:
            node = wired.module.syntax.twin(wired.node)
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for arg, default in _defaults(node.args):
                if _is_mutable(default):
                    yield self.at(
                        wired.module.syntax.span(arg),
                        f"the default of {arg.arg!r} is made once, and shared by all calls",
                        f"take `{arg.arg}=None`, and make the value in the function",
                    )


def _defaults(args: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    positional = [*args.posonlyargs, *args.args]
    yield from zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True)
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if default is not None:
            yield arg, default


def _is_mutable(default: ast.expr) -> bool:
    if isinstance(default, ast.Call):
        return isinstance(default.func, ast.Name) and default.func.id in _MAKERS
    return isinstance(default, _LITERALS)
