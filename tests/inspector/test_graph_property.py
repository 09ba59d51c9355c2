"""Whatever a workflow looks like, its graph is sound; and it allows the runs that its source allows, and no others."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from follow_graph import Runs
from follow_source import TooManyRunsError, runs_of
from hypothesis import HealthCheck, assume, given, settings
from inspector_bench import Bench
from random_flow import Body, Do, Exit, For, If, Try, Written, bodies

if TYPE_CHECKING:
    from pyflow_core.metadata import Graph, WorkflowMeta

HEAD = """
async def helper(w, name):
    if not name:
        return None
    return await w.do(f"helper-{name}", lambda: 1)
"""
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def _inspected(source: str) -> WorkflowMeta:
    with TemporaryDirectory() as folder:
        return Bench(Path(folder)).workflow(source, head=HEAD)


def _check_soundness(workflow: WorkflowMeta) -> None:
    graph = workflow.graph
    nodes = {node.id: node for node in graph.nodes}
    assert len(nodes) == len(graph.nodes)
    assert [node.id for node in graph.nodes if node.kind in {"start", "end"}] == ["start", "end"]
    assert {end for edge in graph.edges for end in (edge.source, edge.target)} <= nodes.keys()
    assert len(set(graph.edges)) == len(graph.edges)
    assert not any(edge.target == "start" or edge.source == "end" for edge in graph.edges)
    known = {step.id: step for step in workflow.steps}
    shown = [node for node in graph.nodes if node.step is not None]
    assert {node.step for node in shown} == known.keys()
    assert all(node.kind == known[node.step or ""].type for node in shown)
    _check_parents(graph)
    _check_reachability(graph)


def _check_parents(graph: Graph) -> None:
    """A node comes after the node that it stands in, so that no one stands in itself."""
    before: dict[str, str] = {}
    for node in graph.nodes:
        if node.parent is not None:
            assert before[node.parent] in {"branch", "match", "loop", "parallel", "try", "call"}
        assert (node.parent is None) == (node.arm is None)
        before[node.id] = node.kind


def _check_reachability(graph: Graph) -> None:
    reached = {"start"}
    arms: dict[tuple[str, str | None], str] = {}
    for node in graph.nodes:
        if node.parent is not None:
            arms.setdefault((node.parent, node.arm), node.id)
    groups = {node.id for node in graph.nodes if node.kind == "parallel"}
    while True:
        fresh = {edge.target for edge in graph.edges if edge.source in reached}
        fresh |= {first for (group, _), first in arms.items() if group in reached & groups}
        if fresh <= reached:
            break
        reached |= fresh
    assert {node.id for node in graph.nodes if not node.unreachable} == reached | (
        {"end"} if not next(node for node in graph.nodes if node.id == "end").unreachable else set()
    )


def _check_runs(body: Body) -> None:
    written = Written(body)
    try:
        expected = runs_of(body)
        workflow = _inspected(written.source)
        found = Runs(workflow.graph).found
    except TooManyRunsError:
        assume(False)
        return
    assert found == expected, written.source


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=_SLOW)
@given(bodies(others=True))
def test_every_graph_is_sound(body: Body) -> None:
    _check_soundness(_inspected(Written(body).source))


@settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=_SLOW)
@given(bodies())
def test_a_graph_allows_the_runs_that_its_source_allows_and_no_others(body: Body) -> None:
    _check_runs(body)


D, RETURN, BREAK, CONTINUE = Do(), Exit("return"), Exit("break"), Exit("continue")


@pytest.mark.parametrize(
    "body",
    [
        (Try((D,), (("KeyError", ()),), (), (D,)), D),
        (Try((Try((D,), (("", ()),), (), ()),), (), (), (D,)), D),
        (For((Try((D,), (("KeyError", ()),), (), ()),), (D,)),),
        (For((Try((BREAK,), (), (), (D, If((D,), ()))),), ()), D),
        (Try((RETURN,), (), (), (D, Try((D,), (("", ()),), (), ()))), D),
        (Try((Exit("raise KeyError"),), (), (), (For((D, If((BREAK,), ())), ()),)), D),
        (For((Try((D, CONTINUE), (("KeyError", (BREAK,)),), (), (Try((D,), (), (), (D,)),)),), (D,)), D),
        (Try((Try((Exit("raise OSError"),), (("KeyError", (D,)),), (), (D,)),), (("ValueError", (D,)),), (), ()),),
        (Try((D,), (), (), (D, RETURN)), D),
        (For((For((), (BREAK,)), D), ()),),
        (For((For((If((BREAK,), ()),), (CONTINUE,)), D), ()),),
        (Try((D,), (), (), (Try((), (("", (D,)),), (), ()),)),),
        (Try((Try((), (), (), (If((), (D,)),)), D), (("", ()),), (), ()),),
        (Try((), (("", ()),), (RETURN,), (For((Try((BREAK,), (), (), (D,)),), ()),)),),
    ],
)  # fmt: skip
def test_turns_that_are_easily_got_wrong(body: Body) -> None:
    _check_runs(body)


def test_the_comparison_finds_a_missing_and_a_surplus_way() -> None:
    """What the tests above rest on: another graph has other runs."""
    body: Body = (For((D, If((BREAK,), ())), (D,)), D)
    graph = _inspected(Written(body).source).graph
    expected = runs_of(body)
    assert Runs(graph).found == expected
    for edge in graph.edges:
        fewer = type(graph)(graph.nodes, tuple(one for one in graph.edges if one is not edge))
        assert Runs(fewer).found < expected
