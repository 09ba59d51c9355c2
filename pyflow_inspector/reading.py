"""Reading one unit: its wirings, their functions, what those do, and what the rules say of it all."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import libcst as cst

from pyflow_inspector.conduct.meaning import function_node
from pyflow_inspector.conduct.survey import survey
from pyflow_inspector.factory import read_services
from pyflow_inspector.model import ProjectModel, WiredFunction
from pyflow_inspector.option import keyword_argument
from pyflow_inspector.project import Project
from pyflow_inspector.rules import RULES
from pyflow_inspector.rules.pf903_rule_crashed import RuleCrashed
from pyflow_inspector.settings import target_names
from pyflow_inspector.signature import read_signature
from pyflow_inspector.source_text import SyntaxFault, file_start
from pyflow_inspector.steps.decoration import made
from pyflow_inspector.steps.fact import Place
from pyflow_inspector.steps.value import Context, FunctionValue, Instance, Items
from pyflow_inspector.steps.walker import Walker
from pyflow_inspector.summary import rpc_fact, wiring_fact, workflow_fact
from pyflow_inspector.unit import FactoryFact, UnitReport
from pyflow_inspector.wire_function import WIRE_FUNCTIONS
from pyflow_inspector.wiring import find_wirings, wire_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.project import Module, Modules
    from pyflow_inspector.rules import Rule
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.steps.value import Meaning, Value
    from pyflow_inspector.wiring import Wiring

T = TypeVar("T")


def read_unit(settings: InspectorSettings, modules: Modules, unit: str) -> UnitReport:
    """Read a module, or the `"module:function"` of the service factory, and whatever it leads to.

    Whatever goes wrong is a finding, and leaves the rest as it is.
    """
    project = Project(settings, modules)
    target = target_names(unit)
    read = Reading(project)
    span = file_start(project.file_of(unit if target is None else target[0]))
    report = read.guard(
        f"reading {unit}",
        span,
        lambda: _read_module(read, unit) if target is None else _read_factory(read, unit, *target),
    )
    for walker in read.walkers:
        walker.let_go()
    report = report or UnitReport(unit, project.dependencies)
    return replace(report, findings=(*report.findings, *read.crashes))


class Reading:
    """One unit under way: what it sees of the project, and what crashed."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.crashes: list[Diagnostic] = []
        self.walkers: list[Walker] = []

    def guard(self, what: str, span: Span, read: Callable[[], T]) -> T | None:
        """The result of `read`; nothing if it crashes, which becomes a finding at `span`."""
        try:
            return read()
        except RecursionError:
            message = "this nests too deeply to be followed"
            self.project.deep_functions.append(SyntaxFault(message, span, is_too_complex=True))
        except Exception as error:  # noqa: BLE001 - a mistake of ours in one place must not hide all other findings
            self.crashes.append(RuleCrashed().of(span, what, error))
        return None


def _read_module(read: Reading, name: str) -> UnitReport:
    project = read.project
    module = project.module(name)
    model = ProjectModel(project) if module is None else _read_model(read, module)
    workflows = [_fact(read, workflow, workflow_fact, model) for workflow in model.workflows]
    rpcs = [_fact(read, rpc, rpc_fact, model) for rpc in model.rpcs]
    findings = _findings(read, model, file_start(project.file_of(name)))
    return UnitReport(
        unit=name,
        dependencies=project.dependencies,
        aliases=() if module is None else _aliases(project, module),
        wirings=tuple(wiring_fact(wiring) for wiring in model.wirings),
        workflows=tuple(fact for fact in workflows if fact is not None),
        rpcs=tuple(fact for fact in rpcs if fact is not None),
        findings=findings,
    )


def _fact(
    read: Reading, wired: WiredFunction, make: Callable[[ProjectModel, WiredFunction], T], model: ProjectModel
) -> T | None:
    what = f"describing {wired.wiring.kind} {wired.name!r}"
    return read.guard(what, wired.module.syntax.function_name_span(wired.node), lambda: make(model, wired))


def _read_factory(read: Reading, unit: str, name: str, attribute: str) -> UnitReport:
    project = read.project
    module = project.module(name)
    found = module is None or project.defines(module, attribute)
    services = None if module is None else read_services(project, module, attribute)
    fact = FactoryFact(
        found,
        () if module is None else tuple(module.table.bindings),
        None if services is None else services.name,
        None if services is None else tuple(services.attributes),
    )
    findings = _findings(read, ProjectModel(project, services=services), file_start(project.file_of(name)))
    return UnitReport(unit, project.dependencies, findings=findings, factory=fact)


def _findings(read: Reading, model: ProjectModel, span: Span) -> tuple[Diagnostic, ...]:
    found: dict[Diagnostic, None] = {}
    for rule in RULES.values():
        judged = read.guard(f"rule {rule.code}", span, partial(_judge, rule, model))
        found.update(dict.fromkeys(judged or ()))
    return tuple(found)


def _judge(rule: Rule, model: ProjectModel) -> list[Diagnostic]:
    return list(rule.check(model))


def _aliases(project: Project, module: Module) -> tuple[str, ...]:
    """The other names that a module gives to wire functions."""
    candidates = [name for name in module.table.bindings if name not in WIRE_FUNCTIONS]
    return tuple(name for name in candidates if wire_kind(project.resolve(module, name)) is not None)


def _read_model(read: Reading, module: Module) -> ProjectModel:
    model = ProjectModel(read.project, find_wirings(read.project, module))
    seen: set[tuple[str, str]] = set()
    for wiring in model.wirings:
        wired = _read_wired(read, wiring)
        if wired is not None and (wiring.kind, wired.name) not in seen:
            seen.add((wiring.kind, wired.name))
            (model.workflows if wiring.kind == "workflow" else model.rpcs).append(wired)
    model.workflows.sort(key=lambda workflow: workflow.name)
    model.rpcs.sort(key=lambda rpc: rpc.name)
    return model


def _read_wired(read: Reading, wiring: Wiring) -> WiredFunction | None:
    symbol, name = wiring.function, wiring.name
    node = None if symbol is None else symbol.function
    if name is None or symbol is None or node is None:
        return None
    module = read.project.module(symbol.module)
    assert module is not None
    return read.guard(
        f"following {wiring.kind} {name!r}",
        module.syntax.function_name_span(node),
        lambda: _read_function(read, wiring, name, module, symbol.path, node),
    )


def _read_function(
    read: Reading, wiring: Wiring, name: str, module: Module, label: str, node: cst.FunctionDef
) -> WiredFunction:
    project = read.project
    walker = Walker(project)
    read.walkers.append(walker)
    owners = ("workflow", "rpc") if wiring.kind == "workflow" else ("rpc",)
    around = _middleware(walker, wiring) if wiring.kind == "workflow" else ()
    walker.walk(module, label, node, owners, around)
    signature = read_signature(project, module, node)
    if wiring.kind == "workflow":
        services = frozenset(service.name for service in signature.services if not service.builtin)
        services -= {parameter.name for parameter in walker.facts.renamed}
        walker.facts.conduct = survey(project, module, function_node(module, node), walker.facts, services, around)
    return WiredFunction(name, wiring, module, label, signature, walker.facts)


def _middleware(walker: Walker, wiring: Wiring) -> tuple[FunctionValue, ...]:
    """The functions around a workflow; what cannot be found gets `workflow`, and nobody knows what it does."""
    node = None if wiring.call is None else keyword_argument(wiring.call, "middleware")
    if node is None:
        return ()
    ctx = Context(walker.frame(wiring.module, wiring.module.name))
    functions: list[FunctionValue] = []
    for written, layers in _layers(walker, node, ctx):
        called = [_called(walker, value, written, ctx) for layer in layers for value in layer.options]
        functions += [one for one in called if isinstance(one, FunctionValue)]
        if not all(isinstance(one, FunctionValue) for one in called):
            walker.facts.escapes.append(Place(wiring.module, written, "workflow, in this middleware,"))
    return tuple(functions)


def _layers(
    walker: Walker, node: cst.BaseExpression, ctx: Context
) -> Iterator[tuple[cst.BaseExpression, Sequence[Value]]]:
    """What a list of middleware holds, and where that is written."""
    if not isinstance(node, cst.List | cst.Tuple):
        yield node, _values(walker.evaluate(node, ctx))
        return
    for element in node.elements:
        value = made(walker, element.value, ctx)
        yield element.value, _values(value) if isinstance(element, cst.StarredElement) else (value,)


def _values(value: Value) -> Sequence[Value]:
    return value.meaning.values if isinstance(value.meaning, Items) else (value,)


def _called(walker: Walker, value: Value, node: cst.BaseExpression, ctx: Context) -> Meaning:
    """What runs when a value is called: of an object its `__call__`."""
    if isinstance(value.meaning, Instance):
        return walker.attribute(value, "__call__", node, ctx).meaning
    return value.meaning
