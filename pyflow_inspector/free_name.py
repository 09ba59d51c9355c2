"""The names that a piece of code uses and does not bind itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pyflow_inspector.ast_node import NO_CODE, attributes
from pyflow_inspector.module_table import Imported

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

_UNREAD = NO_CODE | {"annotation", "returns"}
"""Fields that say nothing about what the code does."""


@dataclass
class FreeNames:
    """`used` are names and chains of attributes, as they are written, in the order in which they are first met.

    `imported` are those of which the code says itself where they come from.
    """

    used: dict[str, None] = field(default_factory=dict[str, None])
    imported: dict[str, Imported] = field(default_factory=dict[str, Imported])


def free_names(root: ast.AST, package: str, omit: Collection[int] = (), keep: str | None = None) -> FreeNames:
    """What `root` takes from around it.

    Relative imports count from `package`. Nodes with an id of `omit` are left out. `keep` is a name that counts even
    though `root` binds it: the `self` of a method.
    """
    scope = _Scope(package, omit)
    scope.read(root)
    return scope.free(keep)


class _Scope:
    """One function, lambda or expression; those inside have scopes of their own."""

    def __init__(self, package: str, omit: Collection[int]) -> None:
        self._package = package
        self._omit = omit
        self._names = FreeNames()
        self._bound: set[str] = set()
        self._outer: set[str] = set()

    def free(self, keep: str | None) -> FreeNames:
        hidden = self._bound - self._outer - {keep}
        used = {name: None for name in self._names.used if name.partition(".")[0] not in hidden}
        return FreeNames(used, self._names.imported)

    def read(self, root: ast.AST) -> None:
        stack = _parts(root)[::-1]
        while stack:
            node = stack.pop()
            if id(node) in self._omit:
                continue
            note = _NOTES.get(type(node))
            if note is None or not note(self, node):
                stack += _parts(node)[::-1]

    # --- what a node binds or uses, and whether that is all there is to it

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
        if not isinstance(node, ast.Lambda):
            self._bound.add(node.name)
        inner = free_names(node, self._package, self._omit)
        self._names.used.update(inner.used)
        self._names.imported.update(inner.imported)
        return True

    def name(self, node: ast.Name) -> bool:
        if isinstance(node.ctx, ast.Load):
            self._names.used[node.id] = None
        else:
            self._bound.add(node.id)
        return True

    def parameter(self, node: ast.arg) -> bool:
        self._bound.add(node.arg)
        return True

    def outer(self, node: ast.Global | ast.Nonlocal) -> bool:
        self._outer.update(node.names)
        return True

    def named(self, node: ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> bool:
        self._bound.add(node.name or "")
        return False

    def chain(self, node: ast.Attribute) -> bool:
        names = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            return False
        self._names.used[".".join(reversed([*names, inner.id]))] = None
        return True

    def imports(self, node: ast.Import | ast.ImportFrom) -> bool:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                name = alias.asname or alias.name
                self._names.imported[name] = Imported(self._module(node), alias.name)
            else:
                name = alias.asname or alias.name.partition(".")[0]
                self._names.imported[name] = Imported(alias.name if alias.asname else name, None)
            self._outer.add(name)
        return True

    def _module(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        segments = self._package.split(".") if self._package else []
        base = segments[: len(segments) - (node.level - 1)]
        return ".".join([*base, *([node.module] if node.module else [])])


_NOTES: dict[type[ast.AST], Callable[[_Scope, Any], bool]] = {
    ast.FunctionDef: _Scope.function,
    ast.AsyncFunctionDef: _Scope.function,
    ast.Lambda: _Scope.function,
    ast.Name: _Scope.name,
    ast.arg: _Scope.parameter,
    ast.Attribute: _Scope.chain,
    ast.Global: _Scope.outer,
    ast.Nonlocal: _Scope.outer,
    ast.Import: _Scope.imports,
    ast.ImportFrom: _Scope.imports,
    ast.ClassDef: _Scope.named,
    ast.ExceptHandler: _Scope.named,
    ast.MatchAs: _Scope.named,
    ast.MatchStar: _Scope.named,
}


def _parts(node: ast.AST) -> list[ast.AST]:
    """The nodes below that say something of what the code does."""
    kind = type(node)
    fields_of = _FIELDS.get(kind)
    if fields_of is None:
        fields_of = _FIELDS[kind] = attributes([name for name in kind._fields if name not in _UNREAD])
    found: list[ast.AST] = []
    for value in fields_of(node):
        if type(value) is list:
            found += [item for item in cast("list[object]", value) if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


_FIELDS: dict[type[ast.AST], Callable[[Any], Sequence[object]]] = {}
