"""Graphs as Mermaid flowcharts."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from cli_sample import workflow

from pyflow_cli.codegen.mermaid import MAX_EDGES, flowchart
from pyflow_cli.outline import outline
from pyflow_core.metadata import Graph, GraphEdge, GraphNode, NodeKind


def _chart(nodes: list[GraphNode], edges: list[GraphEdge]) -> list[str]:
    return flowchart(workflow("w", graph=Graph(tuple(nodes), tuple(edges)))).split("\n")


def _node(name: str, kind: NodeKind, parent: str | None = None, arm: str | None = None, **more: str) -> GraphNode:
    return GraphNode(name, kind, parent, arm, more.pop("label", name), **more)  # type: ignore[arg-type]


START, END = _node("start", "start"), _node("end", "end")


def test_a_branch_is_a_diamond_with_its_condition() -> None:
    nodes = [START, _node("branch:x", "branch", label="x > 1"), _node("return:1", "return", "branch:x", "then"), END]
    edges = [
        GraphEdge("start", "branch:x"),
        GraphEdge("branch:x", "return:1", "arm", "then"),
        GraphEdge("branch:x", "end", "arm", "else"),
        GraphEdge("return:1", "end", "exit", "return"),
    ]
    assert _chart(nodes, edges) == [
        "flowchart TD",
        '    n0(["start"])',
        '    n1{"x #62; 1"}',
        '    n2(["return#58;1"])',
        '    n3(["end"])',
        "    n0 --> n1",
        '    n1 -->|"then"| n2',
        '    n1 -->|"else"| n3',
        "    n2 --> n3",
    ]


def test_loops_groups_and_tries_are_boxes_and_errors_are_dotted() -> None:
    nodes = [
        START,
        _node("loop", "loop", label="for x in data"),
        _node("try", "try", "loop", "body", label="try"),
        _node("group", "parallel", "try", "body", join="first", over="data"),
        _node("rpc", "invoke", "group", "each", label="users.create"),
        _node("raise", "raise", "try", "except ValueError", label="raise KeyError"),
        END,
    ]
    edges = [
        GraphEdge("loop", "try", "arm", "body"),
        GraphEdge("try", "group"),
        GraphEdge("group", "loop", "repeat"),
        GraphEdge("try", "raise", "error", "ValueError"),
        GraphEdge("raise", "end", "error", "KeyError"),
    ]
    assert _chart(nodes, edges) == [
        "flowchart TD",
        '    n0(["start"])',
        '    subgraph n1box[" "]',
        '        n1{{"for x in data"}}',
        '        subgraph n2box[" "]',
        '            n2(("try"))',
        '            subgraph n3["the first for each of data"]',
        '                n4[\\"invoke users.create"\\]',
        "            end",
        '            n5>"raise KeyError"]',
        "        end",
        "    end",
        '    n6(["end"])',
        '    n1 -->|"body"| n2',
        "    n2 --> n3",
        "    n3 --> n1",
        '    n2 -.->|"ValueError"| n5',
        '    n5 -.->|"KeyError"| n6',
    ]


def test_what_no_run_comes_by_is_drawn_apart() -> None:
    lost = GraphNode("x", "break", label="break", unreachable=True)
    assert _chart([START, lost, END], [GraphEdge("start", "end")])[-2:] == [
        "    classDef unreachable stroke-dasharray: 4 4",
        "    class n1 unreachable",
    ]


def _large(inside: NodeKind, count: int) -> list[str]:
    """A graph of a box that holds `count` nodes in a row."""
    names = [f"s{index}" for index in range(count)]
    nodes = [START, _node("box", inside, label="box"), *(_node(name, "inline", "box", "body") for name in names), END]
    ends = ["start", "box", *names, "end"]
    return _chart(nodes, [GraphEdge(one, other) for one, other in pairwise(ends)])


@pytest.mark.parametrize("kind", ["call", "loop", "try", "parallel"])
def test_a_large_diagram_shows_its_boxes_closed(kind: NodeKind) -> None:
    small, large = _large(kind, 20), _large(kind, 200)
    assert any("subgraph" in line for line in small)
    assert not any("subgraph" in line for line in large)
    assert [line for line in large if "-->" in line] == ["    n0 --> n1", "    n1 --> n202"]


def test_a_diagram_stays_within_what_mermaid_draws() -> None:
    names = ["start", *(f"s{index}" for index in range(600)), "end"]
    nodes = [START, *(_node(name, "inline") for name in names[1:-1]), END]
    chart = _chart(nodes, [GraphEdge(one, other) for one, other in pairwise(names)])
    assert len([line for line in chart if "-->" in line]) == MAX_EDGES
    assert chart[-1] == '    more["and 201 more ways"]'


HOSTILE = '"] --> x\n```\nclick n0 "javascript:alert(1)" %% end subgraph `|{}<script>'


def test_no_text_of_a_user_gets_out_of_its_label() -> None:
    nodes = [
        START,
        _node("a", "branch", label=HOSTILE),
        _node("b", "loop", "a", "then", label=HOSTILE),
        _node("c", "parallel", "b", "body", over=HOSTILE),
        _node("d", "invoke", "c", HOSTILE, label=HOSTILE),
        _node("e", "raise", "a", "else", label=HOSTILE),
        END,
    ]
    edges = [GraphEdge("a", "b", "arm", HOSTILE), GraphEdge("e", "end", "error", HOSTILE)]
    chart = _chart(nodes, edges)
    assert len(chart) == 13
    safe = r"[\w _\-.,/#;…]*"
    for line in chart[1:]:
        outside = re.sub(rf'"{safe}"', "L", line.replace("<br/>", ""))
        assert re.fullmatch(r"[\w\s()\[\]{}>\\|.-]*", outside), line
        assert "script" not in outside
        assert "click" not in outside


def test_an_outline_reads_like_the_source() -> None:
    nodes = (
        START,
        _node("branch:a", "branch", label="a"),
        _node("return:1", "return", "branch:a", "then", label="return"),
        _node("branch:b", "branch", "branch:a", "else", label="b"),
        _node("return:2", "return", "branch:b", "then", label="return"),
        _node("return:3", "return", "branch:b", "else", label="return"),
        _node("match:x", "match", label="match x"),
        _node("raise:1", "raise", "match:x", "case 1", label="raise ValueError"),
        _node("try:1", "try", label="try"),
        _node("call:f", "call", "try:1", "body", label="f"),
        _node("invoke:a", "invoke", "call:f", "body", label="a\nb"),
        _node("group", "parallel", "try:1", "finally", over="xs"),
        GraphNode("lost", "break", "group", "each", "break", unreachable=True),
        END,
    )
    assert [f"{'  ' * depth}{words}" for depth, words, _ in outline(Graph(nodes))] == [
        "if a:",
        "  return",
        "elif b:",
        "  return",
        "else:",
        "  return",
        "match x:",
        "  case 1:",
        "    raise ValueError",
        "try:",
        "  f():",
        "    invoke a b",
        "finally:",
        "  at once for each of xs:",
        "    break  (unreachable)",
    ]
