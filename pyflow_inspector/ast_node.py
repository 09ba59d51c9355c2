"""The nodes below a node of ast, got quickly; for modules that must not import libcst."""

from __future__ import annotations

import ast
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NO_CODE = frozenset(
    {
        "ctx", "op", "ops", "kind", "type_comment", "type_ignores", "id", "attr", "arg", "asname", "module", "level",
        "conversion",
    }
)  # fmt: skip
"""Fields of ast that hold no code."""

_KEPT = "pyflow_children"


def attributes(names: Sequence[str]) -> Callable[[Any], Sequence[object]]:
    """The attributes of a thing, got at once, because trees have many nodes."""
    if not names:
        return lambda _: ()
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda node: (get(node),)
    return attrgetter(*names)


def child_nodes(node: ast.AST) -> Sequence[ast.AST]:
    """What `ast.iter_child_nodes` gives but operators and contexts, in a fraction of the time."""
    kind = type(node)
    if kind in _LEAVES:
        return ()
    known: Sequence[ast.AST] | None = node.__dict__.get(_KEPT)  # many walks lead through each tree
    if known is None:
        known = node.__dict__[_KEPT] = _find_children(node, kind)
    return known


_LEAVES = {ast.Name, ast.Constant}


def _find_children(node: ast.AST, kind: type[ast.AST]) -> list[ast.AST]:
    parts = _ALL_AST_PARTS.get(kind)
    if parts is None:
        parts = _ALL_AST_PARTS[kind] = attributes([name for name in kind._fields if name not in NO_CODE])
    return nodes_of(parts(node))


_ALL_AST_PARTS: dict[type, Callable[[Any], Sequence[object]]] = {}


def nodes_of(values: Iterable[Any]) -> list[ast.AST]:
    """The nodes among the values of fields, and in the lists among them."""
    found: list[ast.AST] = []
    for value in values:
        if type(value) is list:
            found += [item for item in cast("list[object]", value) if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
