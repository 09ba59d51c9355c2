"""Dotted RPC names as nested namespaces: `users.create` becomes `rpcs.users.create`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyflow_cli.codegen.code import Name, identifier
from pyflow_core.naming import class_name, module_name

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Member:
    """One attribute of a namespace: an RPC by its name, or another namespace by its class."""

    attribute: Name
    rpc_name: str | None = None
    class_name: Name | None = None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A class whose attributes are RPCs and namespaces."""

    class_name: Name
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class ReferenceTree:
    """Every namespace, inner ones first, and what stands at the top of the module."""

    namespaces: tuple[Namespace, ...]
    top: tuple[Member, ...]


@dataclass(slots=True)
class _Node:
    rpc_name: str | None = None
    children: dict[str, _Node] = field(default_factory=dict[str, "_Node"])


def reference_tree(names: Iterable[str]) -> ReferenceTree:
    """The tree of names that do not clash (`find_clashes` has seen to that)."""
    root = _Node()
    for name in sorted(names):
        node = root
        for segment in name.split("."):
            node = node.children.setdefault(module_name(segment), _Node())
        node.rpc_name = name
    namespaces: list[Namespace] = []
    return ReferenceTree(top=_members(root, (), namespaces), namespaces=tuple(namespaces))


def _members(node: _Node, path: tuple[str, ...], namespaces: list[Namespace]) -> tuple[Member, ...]:
    return tuple(_member(child, (*path, name), namespaces) for name, child in sorted(node.children.items()))


def _member(node: _Node, path: tuple[str, ...], namespaces: list[Namespace]) -> Member:
    attribute = identifier(path[-1])
    if not node.children:
        return Member(attribute, rpc_name=node.rpc_name)
    members = _members(node, path, namespaces)
    used = {space.class_name for space in namespaces}
    stem = "_" + "".join(class_name(part) for part in path)
    names = (stem if number == 1 else f"{stem}{number}" for number in range(1, len(used) + 2))
    space = Namespace(identifier(next(name for name in names if name not in used)), members)
    namespaces.append(space)
    return Member(attribute, class_name=space.class_name)
