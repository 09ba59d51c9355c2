"""Reading one unit: its wirings, their functions, what those do, and what the rules say of it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.conduct.meaning import function_node
from pyflow_inspector.conduct.survey import survey
from pyflow_inspector.model import ProjectModel, WiredFunction
from pyflow_inspector.project import Project
from pyflow_inspector.rules import RULES
from pyflow_inspector.settings import target_names
from pyflow_inspector.signature import read_signature
from pyflow_inspector.source_text import SyntaxFault
from pyflow_inspector.steps.walker import Walker
from pyflow_inspector.summary import rpc_fact, wiring_fact, workflow_fact
from pyflow_inspector.unit import FactoryFact, UnitReport
from pyflow_inspector.wire_function import WIRE_FUNCTIONS
from pyflow_inspector.wiring import find_wirings, wire_kind

if TYPE_CHECKING:
    import libcst as cst

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.project import Module, Modules
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.wiring import Wiring


def read_unit(settings: InspectorSettings, modules: Modules, unit: str) -> UnitReport:
    """Read a module, or the `"module:function"` of the service factory, and whatever it leads to."""
    project = Project(settings, modules)
    target = target_names(unit)
    return _read_module(project, unit) if target is None else _read_factory(project, unit, *target)


def _read_module(project: Project, name: str) -> UnitReport:
    module = project.module(name)
    model = ProjectModel(project) if module is None else _read_model(project, module)
    findings = _findings(model)
    return UnitReport(
        unit=name,
        dependencies=project.dependencies,
        aliases=() if module is None else _aliases(project, module),
        wirings=tuple(wiring_fact(wiring) for wiring in model.wirings),
        workflows=tuple(workflow_fact(model, workflow) for workflow in model.workflows),
        rpcs=tuple(rpc_fact(model, rpc) for rpc in model.rpcs),
        findings=findings,
    )


def _read_factory(project: Project, unit: str, name: str, attribute: str) -> UnitReport:
    module = project.module(name)
    found = module is None or project.defines(module, attribute)
    fact = FactoryFact(found, () if module is None else tuple(module.table.bindings))
    findings = _findings(ProjectModel(project))
    return UnitReport(unit, project.dependencies, findings=findings, factory=fact)


def _findings(model: ProjectModel) -> tuple[Diagnostic, ...]:
    return tuple(dict.fromkeys(finding for rule in RULES.values() for finding in rule.check(model)))


def _aliases(project: Project, module: Module) -> tuple[str, ...]:
    """The other names that a module gives to wire functions."""
    candidates = [name for name in module.table.bindings if name not in WIRE_FUNCTIONS]
    return tuple(name for name in candidates if wire_kind(project.resolve(module, name)) is not None)


def _read_model(project: Project, module: Module) -> ProjectModel:
    model = ProjectModel(project, find_wirings(project, module))
    seen: set[tuple[str, str]] = set()
    for wiring in model.wirings:
        wired = _read_wired(project, wiring)
        if wired is not None and (wiring.kind, wired.name) not in seen:
            seen.add((wiring.kind, wired.name))
            (model.workflows if wiring.kind == "workflow" else model.rpcs).append(wired)
    model.workflows.sort(key=lambda workflow: workflow.name)
    model.rpcs.sort(key=lambda rpc: rpc.name)
    return model


def _read_wired(project: Project, wiring: Wiring) -> WiredFunction | None:
    symbol = wiring.function
    if wiring.name is None or symbol is None or symbol.function is None:
        return None
    module = project.module(symbol.module)
    assert module is not None
    try:
        return _read_function(project, wiring, wiring.name, module, symbol.path, symbol.function)
    except RecursionError:
        span = module.syntax.function_name_span(symbol.function)
        project.deep_functions.append(SyntaxFault("this function nests too deeply to be followed", span))
        return None


def _read_function(
    project: Project, wiring: Wiring, name: str, module: Module, label: str, node: cst.FunctionDef
) -> WiredFunction:
    walker = Walker(project)
    owners = ("workflow", "rpc") if wiring.kind == "workflow" else ("rpc",)
    walker.walk(module, label, node, owners)
    signature = read_signature(project, module, node)
    if wiring.kind == "workflow":
        services = frozenset(service.name for service in signature.services if not service.builtin)
        walker.facts.conduct = survey(project, module, function_node(module, node), walker.facts, services)
    return WiredFunction(name, wiring, module, label, signature, walker.facts)
