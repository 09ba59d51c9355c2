"""Which nodes a run may come by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyflow_core.metadata import GraphEdge, GraphNode


def mark_unreachable(nodes: Sequence[GraphNode], edges: Iterable[GraphEdge]) -> tuple[GraphNode, ...]:
    """The nodes, with those marked that no way from the start leads to."""
    following: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        following[edge.source].append(edge.target)
    for group, firsts in arm_beginnings(nodes).items():
        following[group].extend(firsts)
    reached = {"start"}
    waiting = ["start"]
    while waiting:
        fresh = [target for target in following[waiting.pop()] if target not in reached]
        reached.update(fresh)
        waiting.extend(fresh)
    return tuple(node if node.id in reached else replace(node, unreachable=True) for node in nodes)


def arm_beginnings(nodes: Iterable[GraphNode]) -> dict[str, list[str]]:
    """The first node of each arm of each parallel group."""
    firsts: dict[str, dict[str | None, str]] = {node.id: {} for node in nodes if node.kind == "parallel"}
    for node in nodes:
        if node.parent in firsts:
            firsts[node.parent].setdefault(node.arm, node.id)
    return {group: list(arms.values()) for group, arms in firsts.items()}
