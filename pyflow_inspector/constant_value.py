"""The value of a name that is assigned once: module constants, class constants, members of enums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.folding import Constant, Folded, constant, fold
from pyflow_inspector.module_table import Assigned
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from pyflow_inspector.project import Module, Project, Symbol

_MAX_HOPS = 20


def module_constant(project: Project, module: Module, node: cst.BaseExpression, hops: int = 0) -> Folded:
    """What a name or a chain of attributes holds at the top level of `module`."""
    dotted = dotted_name(node)
    if dotted is None or hops > _MAX_HOPS:
        return None
    symbol = project.resolve(module, dotted)
    return None if symbol is None else symbol_constant(project, symbol, hops)


def symbol_constant(project: Project, symbol: Symbol, hops: int = 0) -> Folded:
    """What a resolved name holds."""
    member, _, attribute = symbol.name.rpartition(".")
    if symbol.definition is None and attribute in {"value", "name"} and "." in member:
        return _enum_attribute(project, symbol, attribute, hops)
    kind = _enum_kind(project, symbol.owner) if symbol.owner is not None else None
    value = _assigned(project, symbol, hops)
    if kind is None:
        return value
    if kind == "str" and isinstance(value, Constant):
        return Constant(value.value)
    return value if kind == "StrEnum" else None


def _assigned(project: Project, symbol: Symbol, hops: int) -> Folded:
    module = project.defining_module(symbol)
    if module is None or not isinstance(symbol.definition, Assigned) or symbol.definition.value is None:
        return None
    value = symbol.definition.value
    if symbol.owner is not None and _is_auto(project, module, value):
        is_text = _enum_kind(project, symbol.owner) == "StrEnum"
        return constant(symbol.name.rpartition(".")[2].lower()) if is_text else None
    return fold(value, lambda node: module_constant(project, module, node, hops + 1))


def _enum_attribute(project: Project, symbol: Symbol, attribute: str, hops: int) -> Folded:
    member = _owner_member(project, symbol)
    if member is None or member.owner is None or _enum_kind(project, member.owner) is None:
        return None
    return constant(member.name.rpartition(".")[2]) if attribute == "name" else _assigned(project, member, hops)


def _owner_member(project: Project, symbol: Symbol) -> Symbol | None:
    """`Steps.CREATE` of `Steps.CREATE.value`."""
    module = project.module(symbol.module)
    return None if module is None else project.resolve(module, symbol.name.rpartition(".")[0])


def _enum_kind(project: Project, owner: Symbol) -> str | None:
    """`"StrEnum"`, `"str"` (an enum that is a `str` too), `"enum"`, or nothing for other classes."""
    bases = {base.dotted for base in project.base_symbols(owner)}
    if "enum.StrEnum" in bases:
        return "StrEnum"
    if not bases & {"enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag"}:
        return None
    written = owner.class_node.bases if owner.class_node is not None else ()
    return "str" if any(dotted_name(base.value) == "str" for base in written) else "enum"


def _is_auto(project: Project, module: Module, value: cst.BaseExpression) -> bool:
    if not isinstance(value, cst.Call):
        return False
    symbol = project.resolve_node(module, value.func)
    return symbol is not None and symbol.dotted == "enum.auto"
