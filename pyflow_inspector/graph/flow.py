"""From blocks to nodes and edges: each node takes the loose ends of what came before it, and leaves its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from pyflow_core.metadata import Graph, GraphEdge, GraphNode
from pyflow_core.naming import DYNAMIC
from pyflow_inspector.graph.exception import handled_names, may_catch, must_catch, raised_name
from pyflow_inspector.graph.identity import Identities
from pyflow_inspector.graph.reachable import mark_unreachable
from pyflow_inspector.graph.reading import case_text, code_hash, condition_of, header_hash, span_of, text_of
from pyflow_inspector.graph.scope import ArmScope, Exit, FinalScope, FunctionScope, GuardedScope, LoopScope, Out, Scope
from pyflow_inspector.graph.trim import trim
from pyflow_inspector.unit import written_rpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyflow_core.metadata import NodeKind, StepMeta
    from pyflow_inspector.steps.block import Arm, Block, BlockKind
    from pyflow_inspector.steps.fact import FoundStep

Place = tuple[str | None, str | None]
"""The node that something stands in, and the arm."""


def make_graph(root: Block, steps: Mapping[FoundStep, StepMeta]) -> Graph:
    """The graph of a walked function, and in passing its blocks lose what is not shown.

    The label of an invoke node is what `written_rpc` makes of its target.
    """
    trim(root)
    flow = _Flow(steps)
    flow.nodes.append(GraphNode("start", "start", label="start"))
    scope = FunctionScope(None)
    ends = flow.sequence(root.arms[0].items, (None, None), [Out("start")], scope)
    flow.nodes.append(GraphNode("end", "end", label="end"))
    flow.connect([*ends, *scope.returns], "end")
    return Graph(mark_unreachable(flow.nodes, flow.edges), tuple(flow.edges))


class _Flow:
    def __init__(self, steps: Mapping[FoundStep, StepMeta]) -> None:
        self.nodes: list[GraphNode] = []
        self.edges: dict[GraphEdge, None] = {}
        self._steps = steps
        self._names = Identities()

    def sequence(self, items: Sequence[Block], place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        """The nodes of `items`, one after another; the loose ends of the last."""
        for block in items:
            make = _MAKERS[block.kind]
            if block.detached:
                make(self, block, place, [], scope)
            else:
                ends = make(self, block, place, ends, scope)
        return ends

    def connect(self, ends: Iterable[Out], target: str) -> None:
        """Edges from loose ends to a node; the same edge is made once."""
        for end in ends:
            self.edges[GraphEdge(end.source, target, end.kind, end.label)] = None

    # --- one node

    def _node(self, block: Block, kind: NodeKind, word: str, place: Place, ends: Iterable[Out], **fields: Any) -> str:
        """A node, entered from `ends`."""
        parent, arm = place
        name = self._names.of_block(kind, word, parent)
        given: dict[str, Any] = {"span": span_of(block.module, block.node), **fields}
        if "hash" not in given:
            given["hash"] = header_hash(block)
        self.nodes.append(GraphNode(name, kind, parent, arm, **given))
        self.connect(ends, name)
        return name

    def step(self, block: Block, place: Place, ends: list[Out], _scope: Scope) -> list[Out]:
        assert block.step is not None
        step = self._steps[block.step]
        name = self._names.of_step(step.id)
        self.nodes.append(GraphNode(name, step.type, *place, step.key, step.span, step.hash, step.id))
        self.connect(ends, name)
        return [Out(name)]

    def invoke(self, block: Block, place: Place, ends: list[Out], _scope: Scope) -> list[Out]:
        invoke = block.invoke
        assert invoke is not None
        label = DYNAMIC if invoke.name is None else written_rpc(invoke.name, is_reference=invoke.is_reference)
        return [Out(self._node(block, "invoke", invoke.name or "", place, ends, label=label))]

    # --- exits

    def leave(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        """A return, break or continue."""
        assert block.kind in ("return", "break", "continue")
        name = self._node(block, block.kind, "", place, ends, label=block.kind)
        scope.leave(Exit(block.kind, Out(name, "exit", block.kind)))
        return []

    def throw(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        assert isinstance(block.node, cst.Raise)
        raised = raised_name(block.node)
        label = "raise" if raised is None else f"raise {raised}"
        name = self._node(block, "raise", "", place, ends, label=label)
        scope.leave(Exit("raise", Out(name, "error", raised), raised))
        return []

    # --- branches

    def branch(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        """An `if` with its `elif`s, each of which stands in the else arm of the one before."""
        after: list[Out] = []
        skipped: str | None = None
        for arm in block.arms:
            if arm.test is None:
                ends = self.sequence(arm.items, place, ends, scope)
                skipped = None
                continue
            ends = self.sequence(arm.before, place, ends, scope)
            condition = condition_of(arm.test)
            text = text_of(condition)
            span = span_of(block.module, arm.test)
            name = self._node(
                block,
                "branch",
                text,
                place,
                ends,
                span=span,
                hash=code_hash(block.module, arm.test),
                label=text,
                condition=text,
            )
            after += self.sequence(arm.items, (name, arm.name), [Out(name, "arm", arm.name)], scope)
            skipped = "else" if arm.name == "then" else "then"
            place = (name, skipped)
            ends = [Out(name, "arm", skipped)]
        return [*after, *ends]

    def match(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        assert block.head is not None
        text = text_of(block.head)
        name = self._node(block, "match", text, place, ends, label=f"match {text}", condition=text)
        after: list[Out] = []
        refused: list[str] = []
        for label, arm in zip(_unique([_case(arm) for arm in block.arms]), block.arms, strict=True):
            into = [Out(source, "arm", label) for source in (name, *refused)]
            if arm.before:
                into = self.sequence(arm.before, (name, label), into, scope)
                refused += [out.source for out in into]
            after += self.sequence(arm.items, (name, label), into, scope)
        if not any(_takes_all(arm) for arm in block.arms):
            after += [Out(source, "arm", "else") for source in (name, *refused)]
        return after

    # --- loops and groups

    def loop(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        body = block.arms[0]
        assert block.head is not None
        text = text_of(block.head)
        is_while = isinstance(block.node, cst.While)
        label = f"while {text}" if is_while else f"for {text_of(_target(block.node))} in {text}"
        fields = {"condition": text} if is_while else {"over": text}
        name = self._node(block, "loop", text, place, ends, label=label, **fields)
        tested = self.sequence(body.before, (name, "test"), [Out(name)], scope)
        inside = LoopScope(scope)
        into = [Out(out.source, "arm", "body") for out in tested]
        ends = self.sequence(body.items, (name, "body"), into, inside)
        self.connect(map(_back, ends), name)
        self.connect(inside.continues, name)
        done = [] if is_while and text in _ALWAYS else [Out(out.source, "arm", "done") for out in tested]
        for arm in block.arms[1:]:
            done = self.sequence(arm.items, (name, "else"), done, scope)
        return [*done, *inside.breaks]

    def parallel(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        over = text_of(block.head) if block.head is not None else None
        func = block.node.func if isinstance(block.node, cst.Call) else None
        label = text_of(func) if func is not None else "each"
        name = self._node(block, "parallel", "", place, ends, label=label, over=over, join=block.join)
        for arm in block.arms:
            self.sequence(arm.items, (name, arm.name), [], ArmScope(scope, name))
        return [Out(name)]

    def call(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        short = block.label.rpartition(":")[2]
        name = self._node(block, "call", short, place, ends, label=short, helper=block.label)
        inside = FunctionScope(scope)
        ends = [Out(name)]
        for arm in block.arms:
            ends = self.sequence(arm.items, (name, "body"), ends, inside)
        return [*ends, *inside.returns]

    # --- try

    def guard(self, block: Block, place: Place, ends: list[Out], scope: Scope) -> list[Out]:
        """A `try`: its body, its `else`, its handlers, its `finally`."""
        arms = {name: [arm for arm in block.arms if arm.name == name] for name in ("except", "else", "finally")}
        name = self._node(block, "try", "", place, ends, label=block.label or "try")
        final = FinalScope(scope) if arms["finally"] and arms["finally"][0].items else None
        guarded = GuardedScope(final or scope)
        body = block.arms[0].items
        after = self.sequence(body, (name, "body"), [Out(name, label=None if body else "body")], guarded)
        for arm in arms["else"]:
            after = self.sequence(arm.items, (name, "else"), after, guarded.outer)
        after += self._handlers(name, arms["except"], guarded)
        if final is None:
            return after
        final.leave(Exit("raise", Out(name, "error")))
        into = [*map(_done, after), *(way.out for way in final.pending)]
        through = self.sequence(arms["finally"][0].items, (name, "finally"), into, scope)
        final.leave_through(through)
        return through if after else []

    def _handlers(self, name: str, arms: Sequence[Arm], guarded: GuardedScope) -> list[Out]:
        ends: list[Out] = []
        raised = guarded.raised
        labels = _unique([_handled(arm) for arm in arms])
        for label, arm in zip(labels, arms, strict=True):
            assert isinstance(arm.test, cst.ExceptHandler | cst.ExceptStarHandler)
            names = handled_names(arm.test)
            text = label.removeprefix("except").strip() or "BaseException"
            caught = [way for way in raised if may_catch(names, way.raised)]
            raised = [way for way in raised if not must_catch(names, way.raised)]
            into = [Out(name, "error", text), *(way.out if arm.items else _over(way, label) for way in caught)]
            ends += self.sequence(arm.items, (name, label), into, guarded.outer)
        for way in raised:
            guarded.outer.leave(way)
        return ends


_ALWAYS = {"True", "1"}

_MAKERS: dict[BlockKind, Callable[[_Flow, Block, Place, list[Out], Scope], list[Out]]] = {
    "step": _Flow.step,
    "invoke": _Flow.invoke,
    "return": _Flow.leave,
    "break": _Flow.leave,
    "continue": _Flow.leave,
    "raise": _Flow.throw,
    "branch": _Flow.branch,
    "match": _Flow.match,
    "loop": _Flow.loop,
    "parallel": _Flow.parallel,
    "call": _Flow.call,
    "try": _Flow.guard,
}


def _case(arm: Arm) -> str:
    assert isinstance(arm.test, cst.MatchCase)
    return f"case {case_text(arm.test)}"


def _takes_all(arm: Arm) -> bool:
    case = arm.test
    return (
        isinstance(case, cst.MatchCase)
        and case.guard is None
        and isinstance(case.pattern, cst.MatchAs)
        and case.pattern.pattern is None
    )


def _handled(arm: Arm) -> str:
    assert isinstance(arm.test, cst.ExceptHandler | cst.ExceptStarHandler)
    return f"except {text_of(arm.test.type)}" if arm.test.type is not None else "except"


def _target(node: cst.CSTNode) -> cst.CSTNode:
    assert isinstance(node, cst.For | cst.CompFor)
    return node.target


def _back(end: Out) -> Out:
    """The way from the end of a loop's body back to the loop."""
    return end if end.kind in {"error", "exit"} else Out(end.source, "repeat", end.label)


def _over(way: Exit, handler: str) -> Out:
    """The way on from an error that a handler takes without doing anything that is shown."""
    label = way.out.label or ""
    said = label if ", then " in label else " ".join(filter(None, ("raise", way.raised)))
    return Out(way.out.source, "exit", f"{said}, then {handler}")


def _done(end: Out) -> Out:
    """The way into a `finally` of what is done with: an exit that leads there is one that goes on behind it."""
    is_turn = end.kind == "exit" and ", then " not in (end.label or "")
    return Out(end.source) if is_turn else end


def _unique(labels: list[str]) -> list[str]:
    """The labels, later ones of a kind with a number."""
    found: list[str] = []
    for label in labels:
        count = labels[: len(found)].count(label)
        found.append(f"{label} ({count + 1})" if count else label)
    return found
