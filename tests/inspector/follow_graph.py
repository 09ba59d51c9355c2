"""All runs of a workflow, found by following its graph only, by the rules that the documentation gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from follow_source import MAX_ROUNDS, TooManyRunsError

if TYPE_CHECKING:
    from follow_source import Trace

    from pyflow_core.metadata import Graph, GraphEdge, GraphNode

_EXITS = {"return", "raise", "break", "continue"}

Region = tuple[str, str]
Pending = tuple[tuple[str, str], ...]
"""Each `finally` that is under way, outermost first, and how what it belongs to ended: `""` if well."""


class Runs:
    """Follows every way from the start."""

    def __init__(self, graph: Graph, limit: int = 200_000) -> None:
        self._nodes = {node.id: node for node in graph.nodes}
        self._edges: dict[str, list[GraphEdge]] = {node.id: [] for node in graph.nodes}
        for edge in graph.edges:
            self._edges[edge.source].append(edge)
        self._regions = {node.id: self._around(node) for node in graph.nodes}
        self._left = limit
        self.found: set[tuple[Trace, bool]] = set()
        self._seen: set[tuple[str, Trace, tuple[tuple[str, int], ...], Pending]] = set()
        self._visit("start", (), {}, ())

    def _around(self, node: GraphNode) -> list[Region]:
        """The arms that a node stands in, innermost first."""
        regions: list[Region] = []
        while node.parent is not None:
            regions.append((node.parent, node.arm or ""))
            node = self._nodes[node.parent]
        return regions

    def _visit(self, name: str, trace: Trace, rounds: dict[str, int], pending: Pending) -> None:
        key = (name, trace, tuple(sorted(rounds.items())), pending)
        if key in self._seen:
            return
        self._seen.add(key)
        self._left -= 1
        if self._left < 0:
            raise TooManyRunsError
        node = self._nodes[name]
        if node.step is not None:
            trace = (*trace, node.step)
            self._fail(node, trace, rounds, pending)
        for edge in self._edges[name]:
            if node.kind != "try" or edge.kind != "error":
                self._follow(edge, trace, rounds, pending)

    def _fail(self, node: GraphNode, trace: Trace, rounds: dict[str, int], pending: Pending) -> None:
        """An error of which nothing is known is raised at a node."""
        for owner, arm in self._regions[node.id]:
            if self._nodes[owner].kind != "try":
                continue
            if arm == "finally":
                pending = pending[:-1]
                continue
            errors = [edge for edge in self._edges[owner] if edge.kind == "error"]
            handled = [edge for edge in errors if edge.label is not None] if arm == "body" else []
            for edge in handled:
                self._follow(edge, trace, rounds, pending)
            if any((edge.label or "").partition(", then ")[0] == "BaseException" for edge in handled):
                return
            for edge in errors:
                if edge.label is None:
                    self._follow(edge, trace, rounds, pending)
                    return
        self.found.add((trace, False))

    def _follow(self, edge: GraphEdge, trace: Trace, rounds: dict[str, int], pending: Pending) -> None:
        after = self._pending_after(edge, pending)
        counted = self._count(edge, rounds)
        if after is None or counted is None:
            return
        if edge.target == "end":
            self.found.add((trace, not _completion(edge, self._nodes[edge.source]).startswith("raise")))
        else:
            self._visit(edge.target, trace, counted, after)

    def _count(self, edge: GraphEdge, rounds: dict[str, int]) -> dict[str, int] | None:
        """The rounds that each loop has gone; nothing if one may not go another."""
        source, target = self._nodes[edge.source], self._nodes[edge.target]
        around = [owner for owner, _ in self._regions[source.id]]
        if source.kind == "loop" and (edge.label or "").partition(", ")[0] == "body":
            rounds = {**rounds, source.id: rounds[source.id] + 1}
            if rounds[source.id] > MAX_ROUNDS:
                return None
        if target.kind == "loop" and target.id not in (source.id, *around):
            rounds = {**rounds, target.id: 0}
        return rounds

    def _pending_after(self, edge: GraphEdge, pending: Pending) -> Pending | None:
        """What is pending after an edge; nothing if the edge leaves a `finally` in another way than it was entered."""
        source = self._nodes[edge.source]
        inside = [owner for owner, arm in self._regions[edge.target] if arm == "finally"]
        completion = _completion(edge, source)
        broken_off, is_own = self._broken_off(edge)
        left: list[tuple[str, str]] = []
        while pending and pending[-1][0] not in inside:
            left.extend([pending[-1]] if pending[-1][0] not in broken_off else [])
            pending = pending[:-1]
        if not is_own and self._goes_on_inside(edge, left):
            return None
        over, expected = self._end_of(left)
        said = (edge.label or "").split(", then ")
        if _is_handler(said[-1]) and len(said) > 1:  # an error is over: it was what led here
            completion, after = said[-2], ""
        else:
            after = completion
        if len(said) == 1:  # an edge that says two things says what follows what is over
            expected = expected if not over else over if not expected else "never"
        if left and expected != ("" if is_own else completion):
            return None
        under_way = {owner for owner, _ in pending}
        entered = [owner for owner in inside if owner not in under_way]
        assert len(entered) <= 1, edge
        return (*pending, *((owner, after) for owner in entered))

    def _goes_on_inside(self, edge: GraphEdge, left: list[tuple[str, str]]) -> bool:
        """Whether a `finally` that ended well has more behind it, in another that an edge would leave with it."""
        if not left or left[0][1]:
            return False
        outer = {owner for owner, _ in left[1:]}
        onward = [one.target for one in self._edges[edge.source] if one is not edge and one.kind in {"next", "repeat"}]
        return any((owner, "finally") in self._regions[name] for name in onward for owner in outer)

    def _end_of(self, left: list[tuple[str, str]]) -> tuple[str, str]:
        """How several `finally`s end together, innermost first, and the turn that was over on the way, if there was."""
        over, current = "", ""
        loop: str | None = None
        for owner, end in left:
            around = dict(self._regions[owner])
            if current and loop is not None and loop not in around:
                over, current, loop = current, "", None
            if end and not current:
                current = end
                turns = end in {"break", "continue"}
                loop = next(one for one, arm in around.items() if self._is_body(one, arm)) if turns else None
        return over, current

    def _is_body(self, owner: str, arm: str) -> bool:
        return self._nodes[owner].kind == "loop" and arm == "body"

    def _broken_off(self, edge: GraphEdge) -> tuple[set[str], bool]:
        """The `finally`s that a statement breaks off when it leads out of them, and whether this is its own edge."""
        source = self._nodes[edge.source]
        own = ("error" if source.kind == "raise" else "exit") if source.kind in _EXITS else None
        first, *rest = (edge.label or "").split(", then ")
        swallowed = source.kind == "raise" and first.startswith("raise") and len(rest) == 1 and _is_handler(rest[0])
        if (edge.kind != own or rest) and not swallowed:
            return set(), False
        owners: set[str] = set()
        for owner, arm in self._regions[source.id]:
            if source.kind in {"break", "continue"} and self._nodes[owner].kind == "loop" and arm == "body":
                break
            owners |= {owner} if arm == "finally" else set()
        return owners, True


def _is_handler(words: str) -> bool:
    return words.startswith("except")


def _completion(edge: GraphEdge, source: GraphNode) -> str:
    """How what an edge leaves has ended."""
    _, then, onward = (edge.label or "").rpartition(", then ")
    if then:
        return "" if _is_handler(onward) else onward
    if edge.kind == "exit":
        return edge.label or ""
    if edge.kind != "error" or (source.kind == "try" and edge.label is not None):
        return ""
    return f"raise {edge.label}" if edge.label else "raise"
