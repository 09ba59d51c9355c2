"""The names that a piece of code uses and does not bind itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from pyflow_inspector.module_table import Imported

if TYPE_CHECKING:
    from collections.abc import Collection

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_UNREAD = frozenset({"annotation", "returns", "type_comment"})
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
        stack = list(reversed(self._parts(root)))
        while stack:
            node = stack.pop()
            if id(node) in self._omit:
                continue
            if isinstance(node, _FUNCTIONS):
                self._enter(node)
            elif not self._note(node):
                stack.extend(reversed(self._parts(node)))

    def _parts(self, node: ast.AST) -> list[ast.AST]:
        found: list[ast.AST] = []
        for name, value in ast.iter_fields(node):
            if name in _UNREAD:
                continue
            values = cast("list[object]", value) if isinstance(value, list) else [value]
            found.extend(item for item in values if isinstance(item, ast.AST))
        return found

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        if not isinstance(node, ast.Lambda):
            self._bound.add(node.name)
        inner = free_names(node, self._package, self._omit)
        self._names.used.update(inner.used)
        self._names.imported.update(inner.imported)

    def _note(self, node: ast.AST) -> bool:
        """Note what a node binds or uses; whether that is all there is to it."""
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                self._names.used[name] = None
            case ast.Name(id=name) | ast.arg(arg=name):
                self._bound.add(name)
            case ast.Attribute():
                return self._chain(node)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self._outer.update(names)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.ClassDef(name=name):
                self._bound.add(name)
                return False
            case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
                self._bound.add(name or "")
                return False
            case _:
                return False
        return True

    def _chain(self, node: ast.Attribute) -> bool:
        names = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            return False
        self._names.used[".".join(reversed([*names, inner.id]))] = None
        return True

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                name = alias.asname or alias.name
                self._names.imported[name] = Imported(self._module(node), alias.name)
            else:
                name = alias.asname or alias.name.partition(".")[0]
                self._names.imported[name] = Imported(alias.name if alias.asname else name, None)
            self._outer.add(name)

    def _module(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        segments = self._package.split(".") if self._package else []
        base = segments[: len(segments) - (node.level - 1)]
        return ".".join([*base, *([node.module] if node.module else [])])
