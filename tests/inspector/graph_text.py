"""A graph as lines that can be compared by eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core.metadata import Graph


def ways(graph: Graph) -> set[str]:
    """Every edge: `"a > b"`, `"a then> b"`, `"try:1 !ValueError> b"`, and `"a ^> b"` for a way back."""
    marks = {"next": "", "arm": "", "exit": "", "repeat": "^", "error": "!"}
    return {f"{edge.source} {marks[edge.kind]}{edge.label or ''}> {edge.target}" for edge in graph.edges}


def outline(graph: Graph) -> list[str]:
    """Every node below the one it stands in: `["start", "branch:x", "  then: a", "end"]`."""
    depths: dict[str | None, int] = {None: 0}
    lines: list[str] = []
    for node in graph.nodes:
        depths[node.id] = depths[node.parent] + 1
        arm = f"{node.arm}: " if node.arm else ""
        lines.append(f"{'  ' * depths[node.parent]}{arm}{node.id.rpartition('/')[2]}")
    return lines
