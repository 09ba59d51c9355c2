"""The graph of a workflow as a Mermaid flowchart.

Branches are diamonds with their condition, loops, groups, tries and opened helpers are boxes around what stands in
them, and errors go dotted. Nothing of the user's becomes an identifier, and labels are escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.naming import DYNAMIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Graph, GraphEdge, GraphNode, NodeKind, WorkflowMeta

MAX_NODES = 80
"""A larger diagram shows helpers closed, and if need be all that holds something."""
MAX_EDGES = 400
"""Mermaid refuses 500. What is beyond that is left out, and the diagram says so."""
MAX_LABEL = 80

_BOXES = frozenset({"loop", "parallel", "try", "call"})
_SHAPES: dict[NodeKind, tuple[str, str]] = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "rpc": ("[", "]"),
    "inline": ("(", ")"),
    "sleep": ("{{", "}}"),
    "wait": ("[/", "/]"),
    "child": ("[[", "]]"),
    "invoke": ("[\\", "\\]"),
    "branch": ("{", "}"),
    "match": ("{", "}"),
    "loop": ("{{", "}}"),
    "parallel": ("[[", "]]"),
    "try": ("((", "))"),
    "call": ("[[", "]]"),
    "return": ("([", "])"),
    "raise": (">", "]"),
    "break": ("(", ")"),
    "continue": ("(", ")"),
}
_JOINS = {
    "all": "all",
    "settled": "all, failed or not",
    "first": "the first",
    "first_exception": "all, until one fails",
    "each": "each as it ends",
}


def flowchart(workflow: WorkflowMeta) -> str:
    """The diagram, without a fence around it."""
    return "\n".join(["flowchart TD", *_Chart(workflow).lines()])


class _Chart:
    def __init__(self, workflow: WorkflowMeta) -> None:
        self._graph: Graph = workflow.graph
        self._targets = {step.id: step.rpc_name or step.type for step in workflow.steps}
        self._nodes = {node.id: node for node in self._graph.nodes}
        self._shown = self._choose()
        self._names = {name: f"n{index}" for index, name in enumerate(self._nodes)}
        self._inside: dict[str | None, list[GraphNode]] = {}
        for node in self._graph.nodes:
            if self._shown[node.id] == node.id:
                self._inside.setdefault(self._box(node), []).append(node)

    def lines(self) -> Iterator[str]:
        yield from self._content(None, "    ")
        edges = self._edges()
        yield from edges[:MAX_EDGES]
        if len(edges) > MAX_EDGES:
            yield f'    more["and {len(edges) - MAX_EDGES} more ways"]'
        lost = [self._names[node.id] for node in self._graph.nodes if node.unreachable and self._is_shown(node)]
        if lost:
            yield "    classDef unreachable stroke-dasharray: 4 4"
            yield f"    class {','.join(lost)} unreachable"

    # --- what is shown

    def _choose(self) -> dict[str, str]:
        """Each node, and the node that stands for it."""
        shown = {name: name for name in self._nodes}
        for closed in (frozenset({"call"}), _BOXES):
            if len(set(shown.values())) <= MAX_NODES:
                break
            shown = {name: self._outermost(node, closed) for name, node in self._nodes.items()}
        return shown

    def _outermost(self, node: GraphNode, closed: frozenset[str]) -> str:
        """The outermost closed box around a node, or itself."""
        found = node.id
        while node.parent is not None:
            node = self._nodes[node.parent]
            found = node.id if node.kind in closed else found
        return found

    def _is_shown(self, node: GraphNode) -> bool:
        return self._shown[node.id] == node.id

    def _box(self, node: GraphNode) -> str | None:
        """The box that a node is drawn in: of those that it stands in, the innermost that is one."""
        parent = node.parent
        while parent is not None and self._nodes[parent].kind not in _BOXES:
            parent = self._nodes[parent].parent
        return parent

    def _is_open(self, node: GraphNode) -> bool:
        return node.kind in _BOXES and node.id in self._inside

    # --- nodes

    def _content(self, box: str | None, indent: str) -> Iterator[str]:
        for node in self._inside.get(box, []):
            if not self._is_open(node):
                yield indent + self._drawn(node)
                continue
            name = self._names[node.id]
            if node.kind == "parallel":
                yield f'{indent}subgraph {name}["{self._label(node)}"]'
            else:
                yield f'{indent}subgraph {name}box[" "]'
                yield f"{indent}    {self._drawn(node)}"
            yield from self._content(node.id, indent + "    ")
            yield f"{indent}end"

    def _drawn(self, node: GraphNode) -> str:
        opening, closing = _SHAPES[node.kind]
        return f'{self._names[node.id]}{opening}"{self._label(node)}"{closing}'

    def _label(self, node: GraphNode) -> str:
        lines = [node.label or node.kind]
        if node.step is not None:
            shown = "*" if node.label is None or node.label == DYNAMIC else node.label
            lines = [shown, self._targets.get(node.step, node.kind)]
        elif node.kind == "parallel":
            over = f" for each of {node.over}" if node.over is not None else ""
            lines = [f"{_JOINS[node.join or 'all']}{over}"]
        elif node.kind == "invoke":
            lines = [f"invoke {node.label}"]
        return "<br/>".join(escape_label(shortened(line)) for line in lines)

    # --- edges

    def _edges(self) -> list[str]:
        drawn: dict[str, None] = {}
        for edge in self._graph.edges:
            source, target = self._shown[edge.source], self._shown[edge.target]
            if source == target and edge.source != edge.target:
                continue
            drawn[f"    {self._names[source]} {self._arrow(edge, source)} {self._names[target]}"] = None
        return list(drawn)

    def _arrow(self, edge: GraphEdge, source: str) -> str:
        line = "-.->" if edge.kind == "error" else "-->"
        label = edge.label if edge.source == source else None
        if edge.kind == "exit" and label == self._nodes[source].kind:
            label = None  # a `return` that leads out says so itself
        return line if label is None else f'{line}|"{escape_label(shortened(label))}"|'


def shortened(text: str) -> str:
    """The text, cut where it would make a diagram hard to read."""
    return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"


def escape_label(text: str) -> str:
    """The text with everything as a numeric entity that could end the label or mean something in it."""
    safe = frozenset(" _-.,/")
    shown = (char if char.isprintable() else " " for char in text)
    return "".join(char if char.isalnum() or char in safe else f"#{ord(char)};" for char in shown)
