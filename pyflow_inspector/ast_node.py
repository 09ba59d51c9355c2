"""The nodes below a node of ast, got quickly; for modules that must not import libcst."""

from __future__ import annotations

import ast
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NO_CODE = frozenset({"ctx", "op", "ops", "kind", "type_comment", "type_ignores"})
"""Fields of ast that hold no code."""


def attributes(names: Sequence[str]) -> Callable[[Any], Sequence[object]]:
    """The attributes of a thing, got at once, because trees have many nodes."""
    if not names:
        return lambda _: ()
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda node: (get(node),)
    return attrgetter(*names)


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """What `ast.iter_child_nodes` gives but operators and contexts, in a fraction of the time."""
    kind = type(node)
    parts = _ALL_AST_PARTS.get(kind)
    if parts is None:
        parts = _ALL_AST_PARTS[kind] = attributes([name for name in kind._fields if name not in NO_CODE])
    children: list[ast.AST] = []
    for value in parts(node):
        if type(value) is list:
            children += [item for item in cast("list[object]", value) if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            children.append(value)
    return children


_ALL_AST_PARTS: dict[type, Callable[[Any], Sequence[object]]] = {}
