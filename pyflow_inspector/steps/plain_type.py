"""Types of values that nobody awaits: numbers, texts, models, and containers of such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.annotation import refers_to
from pyflow_inspector.project import BUILTINS
from pyflow_inspector.tree import dotted_name, walk_cst

if TYPE_CHECKING:
    from pyflow_inspector.project import Module, Project, Symbol

PLAIN_BUILTINS = {
    "abs", "bool", "bytes", "dict", "enumerate", "float", "frozenset", "int", "len", "list", "max", "min", "range",
    "reversed", "round", "set", "sorted", "str", "sum", "tuple",
}  # fmt: skip
"""Builtins that make plain values of plain values."""

_PLAIN_TYPES = {*PLAIN_BUILTINS, "complex", "None"}
_PLAIN_MODULES = {"datetime", "decimal", "uuid", "pathlib"}
_HANDLES = {"pyflow_core.Payload"}
_CONTAINERS = {
    "Annotated", "Dict", "Final", "FrozenSet", "List", "Literal", "Mapping", "MutableMapping", "Optional", "Sequence",
    "Set", "Tuple", "Union",
}  # fmt: skip


def is_plain(project: Project, module: Module, annotation: cst.BaseExpression) -> bool:
    """Whether a type is of values that nobody awaits, as far as it can be told."""
    if any(dotted_name(node) in {"Any", "object"} for node in walk_cst(annotation)):
        return False
    symbols = refers_to(project, module, annotation)
    builtin = {part.value for part in walk_cst(annotation) if isinstance(part, cst.Name) and part.value in BUILTINS}
    return builtin <= _PLAIN_TYPES and all(_is_plain_symbol(symbol) for symbol in symbols) and bool(symbols or builtin)


def _is_plain_symbol(symbol: Symbol) -> bool:
    if symbol.module in {"typing", "collections.abc"}:
        return symbol.name in _CONTAINERS
    if symbol.dotted in _HANDLES:
        return True
    return symbol.class_node is not None or symbol.module in _PLAIN_MODULES
