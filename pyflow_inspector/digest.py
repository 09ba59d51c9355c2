"""A hash of code that changes with its meaning only: not with comments, layout, docstrings or the Python version."""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_OMITTED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def digest(nodes: Iterable[ast.AST], *, omit: Collection[int] = ()) -> str:
    """`sha256:…` of `nodes` in their order, leaving out the nodes whose ids are in `omit`."""
    hasher = hashlib.sha256()
    for node in nodes:
        hasher.update("".join(_pieces(node, omit)).encode())
    return f"sha256:{hasher.hexdigest()}"


def _pieces(node: object, omitted: Collection[int]) -> list[str]:
    """Walks with its own stack, because code may nest deeper than Python recurses."""
    pieces: list[str] = []
    stack: list[object] = [node]
    while stack:
        item = stack.pop()
        if type(item) is str:
            pieces.append(item)
        elif type(item) is list:
            pieces.append("[")
            stack.append("]")
            stack += cast("list[object]", item)[::-1]
        elif id(item) in omitted:
            pass
        elif type(item) is ast.Name:
            pieces.append(f"Name(id={item.id!a})")
        elif type(item) is ast.Constant:
            pieces.append(f"Constant({_constant(item.value)})")
        elif isinstance(item, ast.AST):
            stack += _shape(item)[::-1]
        else:
            pieces.append(_constant(item))
    return pieces


def _shape(node: ast.AST) -> list[object]:
    """A node as its class, its fields that say anything, and a closing bracket."""
    kind = type(node)
    parts: list[object] = [f"{kind.__name__}("]
    for name, start in _fields(kind):
        value = getattr(node, name, None)
        if value is None or value == []:
            continue
        parts.append(start)
        if isinstance(value, str):
            parts.append(ascii(value))
        elif name == "body" and isinstance(value, list):
            parts.append(_without_docstring(node, cast("list[ast.stmt]", value)))
        elif isinstance(node, ast.JoinedStr):
            parts.append(_merged(node.values))
        else:
            parts.append(value)
    parts.append(")")
    return parts


def _fields(kind: type[ast.AST]) -> list[tuple[str, str]]:
    """The fields that say anything, each with how it begins."""
    found = _FIELDS.get(kind)
    if found is None:
        found = _FIELDS[kind] = [(name, f"{name}=") for name in kind._fields if name not in _OMITTED_FIELDS]
    return found


_FIELDS: dict[type[ast.AST], list[tuple[str, str]]] = {}


def _without_docstring(node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
        return body
    match body[0]:
        case ast.Expr(value=ast.Constant(value=str())):
            return body[1:]
        case _:
            return body


def _merged(parts: list[ast.expr]) -> list[object]:
    """The parts of an f-string with neighbouring texts as one: Pythons differ in where they cut them."""
    merged: list[object] = []
    text = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        merged.extend([f"text={text!a}", part] if text else [part])
        text = ""
    return [*merged, f"text={text!a}"] if text else merged


def _constant(value: object) -> str:
    """The text of a constant; integers in hexadecimal, since long ones have no decimal text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    return ascii(value)
