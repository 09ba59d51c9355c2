"""Expressions of generated Python as documents that know where they may break."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_cli.codegen.code import TemplateError, literal, text_width
from pyflow_cli.codegen.layout import INDENT, WIDTH, Doc, Group, IfBroken, Indent, Line, bracketed, flat, join

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKER = "BLOCKS_"
"""How names begin that stand for blocks in a file: as a statement, as an item of a list, or as the decorator of a
definition that has the form of the blocks."""


def result(node: ast.expr, indent: int) -> Doc:
    """A result's type: a union that breaks, or a name that fits alone on its line, stands in parentheses."""
    doc = expression(node)
    if isinstance(node, ast.BinOp):
        return parenthesised(doc)
    fits_alone = text_width(flat(doc)) + indent + INDENT <= WIDTH
    return parenthesised(doc) if isinstance(node, ast.Name | ast.Attribute) and fits_alone else doc


def expression(node: ast.expr, *, broken: bool = False) -> Doc:  # noqa: C901, PLR0911, PLR0912 - one case a kind of expression
    """An expression; a list in it is broken at once if `broken`.

    Raises:
        TemplateError: it is more than generated code may hold.
    """
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=value):
            return _constant(value)
        case ast.Attribute(value=value, attr=attribute):
            return [expression(value), f".{attribute}"]
        case ast.Subscript(value=value, slice=index):
            return [expression(value), _index(index, broken=broken)]
        case ast.Call():
            return _call(node)
        case ast.Await(value=value):
            return ["await ", expression(value)]
        case ast.List(elts=elements):
            return bracketed("[", [expression(item) for item in elements], "]", broken=_has_marker(elements))
        case ast.Tuple(elts=[ast.Name(id=marker)]) if marker.startswith(MARKER):
            return bracketed("(", [marker], ")", broken=True)
        case ast.Tuple(elts=[only]):
            return Group(["(", Indent([Line(), expression(only), ","]), Line(), ")"])
        case ast.Tuple(elts=elements):
            return bracketed("(", [expression(item) for item in elements], ")")
        case ast.Dict():
            return _dictionary(node)
        case ast.BinOp(op=ast.BitOr()):
            return Group(join([expression(item) for item in _members(node)], [Line(" "), "| "]))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return f"-{value}"
        case ast.Starred(value=value):
            return ["*", expression(value)]
        case ast.BoolOp(op=ast.Or(), values=values):
            return join([expression(item) for item in values], " or ")
        case _:
            raise TemplateError(f"generated code may not hold {type(node).__name__}")


def _has_marker(elements: Sequence[ast.expr]) -> bool:
    return any(isinstance(item, ast.Name) and item.id.startswith(MARKER) for item in elements)


def _constant(value: object) -> str:
    if value is ...:
        return "..."
    return "b" + literal(value.decode("latin-1")) if isinstance(value, bytes) else literal(value)


def _index(node: ast.expr, *, broken: bool = False) -> Doc:
    """What stands in square brackets behind a name; a comma behind a single item would change its meaning."""
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        return bracketed("[", [expression(item) for item in node.elts], "]", broken=broken)
    if isinstance(node, ast.Tuple) and len(node.elts) == 1:
        node = node.elts[0]
    return bracketed("[", [expression(node, broken=broken)], "]", comma=False, broken=broken)


def _call(node: ast.Call) -> Doc:
    arguments = [expression(argument) for argument in node.args]
    for keyword in node.keywords:
        if keyword.arg is None:
            raise TemplateError("generated calls unpack nothing")
        arguments.append([f"{keyword.arg}=", expression(keyword.value)])
    return [expression(node.func), bracketed("(", arguments, ")")]


def _dictionary(node: ast.Dict) -> Doc:
    items: list[Doc] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise TemplateError("generated dictionaries unpack nothing")
        items.append([expression(key), ": ", expression(value)])
    return bracketed("{", items, "}")


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_members(node.left), node.right]
    return [node]


def parenthesised(doc: Doc, *, broken: bool = False) -> Doc:
    """What stands in parentheses if it takes more than one line."""
    return Group([IfBroken("("), Indent([Line(), doc]), Line(), IfBroken(")")], broken)
