"""What a piece of generated Python says, as a flat list that can be compared with what was planned."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_SILENT = frozenset({"ctx", "kind", "type_comment", "type_ignores", "type_params", "conversion"})
_DISPLAYS = frozenset({ast.Tuple, ast.List, ast.Dict})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}

Leaf = object
"""The class of a node, the number of its children, a dotted name as a text, or a constant."""


class Constant(NamedTuple):
    """A literal, or a display of literals."""

    value: object


def outline(nodes: Iterable[ast.AST]) -> list[Leaf]:
    """Every node of the trees in a fixed order. Docstrings are only said to be there, since printing wraps them."""
    leaves: list[Leaf] = []
    pending: list[Any] = [*nodes]
    while pending:
        node = pending.pop()
        kind: Any = node.__class__
        if kind is ast.Name:
            leaves.append(node.id)
        elif kind is ast.Constant:
            leaves.append(Constant(node.value))
        elif kind is ast.Attribute and (dotted := _dotted(node)) is not None:
            leaves.append(dotted)
        elif kind in _DISPLAYS and (value := _constant(node)) is not None:
            leaves.append(Constant(value))
        elif kind is ast.Expr and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            leaves.append(ast.Expr)
        elif kind is list:
            leaves.append(len(node))
            pending += node
        elif isinstance(node, ast.AST):
            leaves.append(kind)
            pending += [getattr(node, name, None) for name in _fields(kind)]
        else:
            leaves.append(node)
    return leaves


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    known = _FIELDS.get(kind)
    if known is None:
        known = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _SILENT)
    return known


def _dotted(node: ast.expr) -> str | None:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else None


def _constant(node: ast.expr) -> object:
    """The value of a display of constants; None if it holds anything else."""
    if isinstance(node, ast.Tuple | ast.List) and any(
        isinstance(item, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp) for item in node.elts
    ):
        return None
    try:
        value: object = ast.literal_eval(node)
    except ValueError:
        return None
    return value
