"""Types as they are annotated, and where the names in them come from."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_core.metadata import TypeMeta
from pyflow_inspector.folding import Constant, fold
from pyflow_inspector.module_table import Assigned
from pyflow_inspector.project import BUILTINS
from pyflow_inspector.syntax import parse_type
from pyflow_inspector.tree import cst_children, dotted_name, walk_cst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Span
    from pyflow_inspector.project import Module, Project, Symbol

_VARIABLES = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in ("ParamSpec", "TypeVar", "TypeVarTuple")
)


@dataclass(frozen=True)
class Annotation:
    """An annotation that has been read: its metadata, and what rules want to know of its names."""

    module: Module
    node: cst.BaseExpression
    meta: TypeMeta
    type_only: tuple[str, ...]
    """Names that are imported under `TYPE_CHECKING` only."""
    unknown: tuple[str, ...]
    """Names that nothing defines, and texts that are no types."""
    variables: tuple[str, ...]
    """Names of type variables."""

    def name_span(self, name: str) -> Span:
        """Where `name` stands; the whole annotation if it stands inside a text."""
        for node in walk_cst(self.node):
            if dotted_name(node) == name:
                return self.module.syntax.span(node)
        return self.module.syntax.span(self.node)


def read_annotation(project: Project, module: Module, node: cst.BaseExpression) -> Annotation:
    """Read an annotation; texts in it are read as the types that they are."""
    reader = _Reader()
    expression = reader.unquote(node)
    refs: dict[str, str] = {}
    type_only: list[str] = []
    variables: list[str] = []
    unknown = list(reader.unreadable)
    for name in _dotted_names(expression):
        first = name.partition(".")[0]
        symbol = project.resolve(module, name)
        if symbol is None:
            if first not in BUILTINS:
                unknown.append(name)
        elif not project.defines(module, name):
            unknown.append(name)
        else:
            refs[name] = symbol.path
            if _is_variable(project, symbol):
                variables.append(name)
        if module.table.is_type_only(first):
            type_only.append(name)
    meta = TypeMeta(_plain_text(expression), dict(sorted(refs.items())))
    return Annotation(module, node, meta, _unique(type_only), _unique(unknown), _unique(variables))


def _is_variable(project: Project, symbol: Symbol) -> bool:
    value = symbol.definition.value if isinstance(symbol.definition, Assigned) else None
    module = project.defining_module(symbol) if isinstance(value, cst.Call) else None
    if module is None or not isinstance(value, cst.Call):
        return False
    called = project.resolve_node(module, value.func)
    return called is not None and called.dotted in _VARIABLES


def refers_to(project: Project, module: Module, node: cst.BaseExpression) -> list[Symbol]:
    """The things that the names in an annotation stand for."""
    key = refers_to, node
    names: list[str] | None = module.notes.get(key)
    if names is None:
        names = module.notes[key] = list(_dotted_names(_Reader().unquote(node)))
    found = [project.resolve(module, name) for name in names]
    return [symbol for symbol in found if symbol is not None]


_NAMES = {cst.Name, cst.Attribute}


class _Reader:
    def __init__(self) -> None:
        self.unreadable: list[str] = []

    def unquote(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """The annotation with its texts replaced by the types that they hold; itself if it has none."""
        if type(node) in _NAMES:
            return node
        if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
            return self._parsed(node)
        if isinstance(node, cst.Subscript):
            return self._unquote_subscript(node)
        if isinstance(node, cst.BinaryOperation):
            left, right = self.unquote(node.left), self.unquote(node.right)
            is_same = left is node.left and right is node.right
            return node if is_same else node.with_changes(left=left, right=right)
        if isinstance(node, cst.List):
            items = [item.with_changes(value=self.unquote(item.value)) for item in node.elements]
            return node.with_changes(elements=items)
        return node

    def _parsed(self, node: cst.SimpleString | cst.ConcatenatedString) -> cst.BaseExpression:
        folded = fold(node, lambda _: None)
        text = folded.value if isinstance(folded, Constant) else None
        if not isinstance(text, str):
            return node
        parsed = parse_type(text)
        if parsed is None:
            self.unreadable.append(text)
            return node
        return self.unquote(parsed)

    def _unquote_subscript(self, node: cst.Subscript) -> cst.BaseExpression:
        special = (dotted_name(node.value) or "").rpartition(".")[2]
        if special == "Literal":
            return node
        slices = list(node.slice)
        for index, element in enumerate(slices):
            if special == "Annotated" and index > 0:
                break
            if isinstance(element.slice, cst.Index):
                inner = self.unquote(element.slice.value)
                if inner is not element.slice.value:
                    slices[index] = element.with_changes(slice=element.slice.with_changes(value=inner))
        is_same = all(one is other for one, other in zip(slices, node.slice, strict=True))
        return node if is_same else node.with_changes(slice=slices)


def _plain_text(expression: cst.BaseExpression) -> str:
    """The annotation on one line, without comments and needless brackets."""
    return (
        expression.value if isinstance(expression, cst.Name) else _on_one_line(cst.Module([]).code_for_node(expression))
    )


@lru_cache(maxsize=1024)
def _on_one_line(code: str) -> str:
    return ast.unparse(ast.parse(f"({code}\n)", mode="eval"))


def _dotted_names(node: cst.CSTNode) -> Iterator[str]:
    stack: list[cst.CSTNode] = [node]
    while stack:
        item = stack.pop()
        name = dotted_name(item)
        if name is None:
            stack.extend(reversed(cst_children(item)))
        else:
            yield name


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
