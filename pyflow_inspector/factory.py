"""The type of what the service factory yields, and which services that has, as far as the source says."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.annotation import refers_to
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.project import Module, Project, Symbol

_YIELDING = {
    "AbstractAsyncContextManager", "AbstractContextManager", "AsyncContextManager", "AsyncGenerator", "AsyncIterator",
    "Awaitable", "ContextManager", "Generator", "Iterator",
}  # fmt: skip
"""Types whose first argument is what one gets in the end."""
_ENTRIES = ("__aenter__", "__enter__")
_PLAIN_BASES = {
    "abc.ABC", "pydantic.BaseModel", "pydantic.main.BaseModel", "typing.NamedTuple", "typing.Protocol",
    "typing_extensions.Protocol",
}  # fmt: skip
"""Bases from outside that add no services."""
_PLAIN_DECORATORS = {
    "attr.s", "attrs.define", "attrs.frozen", "attrs.mutable", "dataclasses.dataclass", "typing.final",
    "typing.runtime_checkable",
}  # fmt: skip
_MAX_BASES = 10


@dataclass(frozen=True, eq=False)
class ServiceAttribute:
    """Where a class defines a service."""

    module: Module
    node: ast.AST


@dataclass(frozen=True, eq=False)
class Services:
    """What the factory yields: an object of the class `name`."""

    name: str
    attributes: dict[str, ServiceAttribute]


def read_services(project: Project, module: Module, attribute: str) -> Services | None:
    """What the factory `attribute` of a module yields; nothing where the source does not say all of it."""
    symbol = project.resolve(module, attribute)
    kind = None if symbol is None else _yielded_class(project, symbol)
    if kind is None:
        return None
    attributes: dict[str, ServiceAttribute] = {}
    return Services(kind.name, attributes) if _collect(project, kind, attributes, 0) else None


def _yielded_class(project: Project, symbol: Symbol) -> Symbol | None:
    """The class of the object that is entered, or else returned."""
    if symbol.class_node is not None:
        return _entered_class(project, symbol)
    home = project.defining_module(symbol)
    if symbol.function is None or symbol.function.returns is None or home is None:
        return None
    made = _class_of(project, home, _inner(symbol.function.returns.annotation))
    return None if made is None else _entered_class(project, made)


def _inner(annotation: cst.BaseExpression) -> cst.BaseExpression:
    """`Services` of `AsyncIterator[Services]`."""
    while isinstance(annotation, cst.Subscript):
        name = (dotted_name(annotation.value) or "").rpartition(".")[2]
        first = annotation.slice[0].slice
        if name not in _YIELDING or not isinstance(first, cst.Index):
            break
        annotation = first.value
    return annotation


def _class_of(project: Project, module: Module, annotation: cst.BaseExpression) -> Symbol | None:
    """The class of the project that an annotation names alone."""
    if isinstance(annotation, cst.Subscript | cst.BinaryOperation):
        return None
    found = refers_to(project, module, annotation)
    return found[0] if len(found) == 1 and found[0].class_node is not None else None


def _entered_class(project: Project, symbol: Symbol) -> Symbol | None:
    """What entering an object of this class gives: the object itself, if it is no context manager."""
    for name in _ENTRIES:
        entry = project.members(symbol, [name])
        if entry.function is None:
            continue
        home = project.defining_module(entry)
        if home is None or entry.function.returns is None:
            return None
        annotation = entry.function.returns.annotation
        if (dotted_name(annotation) or "").rpartition(".")[2] == "Self":
            return symbol
        return _class_of(project, home, annotation)
    return symbol


# --- the attributes of a class


def _collect(project: Project, symbol: Symbol, found: dict[str, ServiceAttribute], depth: int) -> bool:
    """Add the attributes of a class and of its bases; whether those are all that it has."""
    module = project.defining_module(symbol)
    if module is None or symbol.class_node is None or depth > _MAX_BASES:
        return False
    node = module.syntax.twin(symbol.class_node)
    assert isinstance(node, ast.ClassDef)
    for name, place in _own_attributes(node):
        found.setdefault(name, ServiceAttribute(module, place))
    if "__getattr__" in found or "__getattribute__" in found or node.keywords:
        return False
    known = all(_is_plain_decorator(project, module, one) for one in symbol.class_node.decorators)
    return known and all(_collect_base(project, module, base, found, depth) for base in symbol.class_node.bases)


def _is_plain_decorator(project: Project, module: Module, decorator: cst.Decorator) -> bool:
    inner = decorator.decorator
    symbol = project.resolve_node(module, inner.func if isinstance(inner, cst.Call) else inner)
    return symbol is not None and symbol.dotted in _PLAIN_DECORATORS


def _collect_base(
    project: Project, module: Module, base: cst.Arg, found: dict[str, ServiceAttribute], depth: int
) -> bool:
    if dotted_name(base.value) == "object":
        return True
    symbol = project.resolve_node(module, base.value)
    if symbol is None:
        return False
    return symbol.dotted in _PLAIN_BASES or _collect(project, symbol, found, depth + 1)


def _own_attributes(node: ast.ClassDef) -> Iterator[tuple[str, ast.AST]]:
    """What a class defines: in its body, and by assigning to attributes of `self` in its methods."""
    for part in _of_body(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield part.name, part
            yield from _self_attributes(part)
        elif isinstance(part, ast.Assign):
            names = (one for target in part.targets for one in ast.walk(target) if isinstance(one, ast.Name))
            yield from ((one.id, one) for one in names)
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            yield part.target.id, part.target
        elif isinstance(part, ast.Import | ast.ImportFrom):
            yield from ((one.asname or one.name.partition(".")[0], part) for one in part.names)


def _of_body(node: ast.ClassDef) -> Iterator[ast.stmt]:
    stack: list[ast.AST] = list(reversed(node.body))
    while stack:
        part = stack.pop()
        if isinstance(part, ast.stmt):
            yield part
        if isinstance(part, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.ExceptHandler):
            stack.extend(reversed(list(ast.iter_child_nodes(part))))


def _self_attributes(function: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for part in ast.walk(function):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            yield part.attr, part
        elif isinstance(part, ast.Call) and ast.unparse(part.func).endswith(("setattr", "__dict__.update")):
            yield "__getattr__", part  # what it sets is not known
