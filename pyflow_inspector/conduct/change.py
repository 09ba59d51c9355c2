"""Where functions change what they did not make: by assignment, or by a method that is known to change things."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.conduct.scope import Scope

CHANGING_METHODS = frozenset(
    {
        "append", "appendleft", "add", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem",
        "popleft", "remove", "reverse", "setdefault", "sort", "update", "subtract", "rotate", "intersection_update",
        "difference_update", "symmetric_difference_update",
    }
)  # fmt: skip


_CHANGING = {ast.Assign, ast.Delete, ast.AugAssign, ast.AnnAssign, ast.For, ast.AsyncFor, ast.Call}


@dataclass(frozen=True, slots=True)
class Change:
    """A name at the root of what is changed. `by_call` says that a method does it, which may mean something else."""

    name: ast.Name
    by_call: bool = False


def find_changes(scope: Scope) -> Iterator[Change]:
    """What the code of a function, without functions inside it, changes in what its names stand for.

    A plain assignment counts only where the name is declared `global` or `nonlocal`.
    """
    for node in scope.nodes:
        if type(node) not in _CHANGING:
            continue
        match node:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                for target in targets:
                    yield from _targets(target, scope)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                yield from _targets(target, scope)
            case ast.For(target=target) | ast.AsyncFor(target=target):
                yield from _targets(target, scope)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in CHANGING_METHODS:
                yield from (Change(name, by_call=True) for name in _root(value))
            case ast.Call(func=ast.Name(id="next"), args=[ast.Name() as name, *_]):
                yield Change(name, by_call=True)
            case _:
                pass


def _targets(target: ast.AST, scope: Scope) -> Iterator[Change]:
    if isinstance(target, ast.Name):
        if target.id in scope.global_names or target.id in scope.nonlocal_names:
            yield Change(target)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _targets(element, scope)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, scope)
    elif isinstance(target, ast.Attribute | ast.Subscript):
        yield from (Change(name) for name in _root(target.value))


def _root(node: ast.AST) -> Iterator[ast.Name]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node
