"""From units to a project: who has a name that is wired twice, and which RPC a typed reference means."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pyflow_core.metadata import Metadata, ProjectMeta
from pyflow_inspector.linked import LinkedProject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyflow_core.metadata import Diagnostic, GraphNode, Span, StepMeta, WorkflowMeta
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.unit import RpcFact, UnitReport, WiringFact, WorkflowFact
    from pyflow_inspector.unit_outline import Flow

Fact = TypeVar("Fact", "WorkflowFact", "RpcFact")
FlowKey = tuple[str, str]
"""The file in which a workflow is wired, and its name."""


def link(settings: InspectorSettings, modules: Iterable[str], units: Iterable[UnitReport]) -> LinkedProject:
    """One project of all units, of which their outlines will do."""
    reports = list(units)
    wirings = [wiring for report in reports for wiring in report.wirings]
    return LinkedProject(
        settings,
        frozenset(modules),
        tuple(sorted(wirings, key=_place)),
        _first_of_each_name(workflow for report in reports for workflow in report.workflows),
        _first_of_each_name(rpc for report in reports for rpc in report.rpcs),
        next((report.factory for report in reports if report.factory is not None), None),
    )


def _first_of_each_name(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    first: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda fact: _place(fact.wiring)):
        first.setdefault(fact.meta.name, fact)
    return tuple(first[name] for name in sorted(first))


def _place(wiring: WiringFact) -> tuple[str, int, int]:
    span: Span = wiring.span
    return span.file, span.line, span.column


def summarise(linked: LinkedProject, flows: Mapping[FlowKey, Flow], diagnostics: tuple[Diagnostic, ...]) -> Metadata:
    """The metadata of a project, with what its workflows do."""
    settings = linked.settings
    return Metadata(
        ProjectMeta(settings.name, ".", settings.package, settings.services),
        tuple(_workflow(linked, workflow.meta, flows[flow_key(workflow)]) for workflow in linked.workflows),
        tuple(rpc.meta for rpc in linked.rpcs),
        diagnostics,
    )


def flow_key(workflow: WorkflowFact) -> FlowKey:
    """No other workflow of a project has the same."""
    return workflow.wiring.span.file, workflow.meta.name


def _workflow(linked: LinkedProject, meta: WorkflowMeta, flow: Flow) -> WorkflowMeta:
    """The workflow with the names of RPCs in place of typed references."""
    return replace(
        meta,
        steps=tuple(_step(linked, step) for step in flow.steps),
        invokes=tuple(sorted({linked.rpc_name(rpc) for rpc in meta.invokes})),
        graph=replace(flow.graph, nodes=tuple(_node(linked, node) for node in flow.graph.nodes)),
    )


def _node(linked: LinkedProject, node: GraphNode) -> GraphNode:
    """A bare invocation is shown under the name of its RPC."""
    if node.kind != "invoke" or node.label is None:
        return node
    return replace(node, label=linked.rpc_name(node.label))


def _step(linked: LinkedProject, step: StepMeta) -> StepMeta:
    name = None if step.rpc_name is None else linked.rpc_name(step.rpc_name)
    return step if name == step.rpc_name else replace(step, rpc_name=name)
