"""From settings to a model: find the files, the wirings, their functions, and what those do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.model import ProjectModel, WiredFunction
from pyflow_inspector.project import Project
from pyflow_inspector.signature import read_signature
from pyflow_inspector.source import find_sources
from pyflow_inspector.steps.walker import Walker
from pyflow_inspector.syntax import SyntaxFault
from pyflow_inspector.wiring import WIRE_FUNCTIONS, Wiring, find_wirings, wire_kind

if TYPE_CHECKING:
    import libcst as cst

    from pyflow_inspector.project import Module
    from pyflow_inspector.settings import InspectorSettings


def read_project(settings: InspectorSettings) -> ProjectModel:
    """Read every file that wires something, and whatever those lead to."""
    project = Project(settings, find_sources(settings))
    model = ProjectModel(project)
    for module in _wiring_modules(project):
        model.wirings.extend(find_wirings(project, module))
    model.wirings.sort(key=_place)
    seen: set[tuple[str, str]] = set()
    for wiring in model.wirings:
        wired = _read_wired(project, wiring)
        if wired is not None and (wiring.kind, wired.name) not in seen:
            seen.add((wiring.kind, wired.name))
            (model.workflows if wiring.kind == "workflow" else model.rpcs).append(wired)
    model.workflows.sort(key=lambda workflow: workflow.name)
    model.rpcs.sort(key=lambda rpc: rpc.name)
    return model


def _place(wiring: Wiring) -> tuple[str, int, int]:
    span = wiring.module.syntax.span(wiring.node)
    return span.file, span.line, span.column


def _wiring_modules(project: Project) -> list[Module]:
    """The modules whose bytes speak of a wire function, or of a name under which one is passed on."""
    words = {name.encode() for name in WIRE_FUNCTIONS}
    found: dict[str, Module] = {}
    while True:
        fresh = [
            name
            for name, source in project.sources.items()
            if name not in found and name not in project.faults and any(word in source.data for word in words)
        ]
        modules = [module for module in map(project.module, fresh) if module is not None]
        found.update({module.name: module for module in modules})
        aliases = {alias.encode() for module in modules for alias in _aliases(project, module)} - words
        if not aliases:
            return [found[name] for name in sorted(found)]
        words |= aliases


def _aliases(project: Project, module: Module) -> list[str]:
    """The other names that a module gives to wire functions."""
    candidates = [name for name in module.table.bindings if name not in WIRE_FUNCTIONS]
    return [name for name in candidates if wire_kind(project.resolve(module, name)) is not None]


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
    return WiredFunction(name, wiring, module, label, read_signature(project, module, node), walker.facts)
