"""The graph of a workflow as indented lines: what stands in what, in the words of the source."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pyflow_cli.output import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Graph, GraphNode

Line = tuple[int, str, "GraphNode | None"]
"""Depth, words, and the node if it makes a step."""

_JOINS = {
    "all": "at once",
    "settled": "at once, whether they fail or not",
    "first": "at once, until one has ended",
    "first_exception": "at once, until one has failed",
    "each": "at once, each taken as it ends",
}


def outline(graph: Graph) -> Iterator[Line]:
    """The lines of all nodes but the start and the end."""
    inside: dict[tuple[str | None, str | None], list[GraphNode]] = defaultdict(list)
    arms: dict[str, list[str]] = defaultdict(list)
    for node in graph.nodes:
        if node.kind in {"start", "end"}:
            continue
        inside[node.parent, node.arm].append(node)
        if node.parent is not None and node.arm is not None and node.arm not in arms[node.parent]:
            arms[node.parent].append(node.arm)
    opened: dict[str, str] = {}
    stack: list[tuple[int, GraphNode | str]] = [(0, item) for item in reversed(inside[None, None])]
    while stack:
        depth, item = stack.pop()
        if isinstance(item, str):
            yield depth, one_line(item), None
        else:
            yield depth, _words(item, opened.get(item.id)), item if item.step is not None else None
            stack.extend(reversed(list(_below(item, depth, arms[item.id], inside, opened))))


def _below(
    owner: GraphNode,
    depth: int,
    arms: list[str],
    inside: dict[tuple[str | None, str | None], list[GraphNode]],
    opened: dict[str, str],
) -> Iterator[tuple[int, GraphNode | str]]:
    """What stands in a node: its arms with their names, unless a name would say nothing."""
    for arm in arms:
        items = inside[owner.id, arm]
        if owner.kind == "branch" and arm == "else" and [item.kind for item in items] == ["branch"]:
            opened[items[0].id] = "elif"
            yield depth, items[0]
            continue
        if not _goes_without_saying(owner, arm):
            yield depth + (owner.kind == "match"), f"{arm}:"
        for item in items:
            yield depth + 1 + (owner.kind == "match"), item


def _goes_without_saying(owner: GraphNode, arm: str) -> bool:
    return owner.kind == "parallel" or arm in {"body", "test"} or (owner.kind == "branch" and arm == "then")


def _words(node: GraphNode, opened: str | None) -> str:
    label = node.label or node.kind
    match node.kind:
        case "branch":
            words = f"{opened or 'if'} {label}:"
        case "parallel":
            over = f" for each of {node.over}" if node.over is not None else ""
            words = f"{_JOINS[node.join or 'all']}{over}:"
        case "loop" | "match" | "try":
            words = f"{label}:"
        case "call":
            words = f"{label}():"
        case "invoke":
            words = f"invoke {label}"
        case _:
            words = label
    return one_line(words) + ("  (unreachable)" if node.unreachable else "")
