"""From the model of a unit to plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeGuard

import libcst as cst

from pyflow_core.metadata import Graph, RpcMeta, StepMeta, TypeMeta, WorkflowMeta
from pyflow_core.naming import DYNAMIC, module_name, orchestrator_queue, step_queue, worker_name
from pyflow_inspector.graph.flow import make_graph
from pyflow_inspector.option import documentation, execution_options, keyword_argument, text, texts
from pyflow_inspector.tree import dotted_name
from pyflow_inspector.unit import (
    FunctionPlace,
    RpcFact,
    ServicePlace,
    StepPlace,
    Target,
    WiringFact,
    WorkflowFact,
    written_rpc,
)

if TYPE_CHECKING:
    from pyflow_inspector.annotation import Annotation
    from pyflow_inspector.model import ProjectModel, WiredFunction
    from pyflow_inspector.steps.fact import FoundStep
    from pyflow_inspector.steps.value import FunctionValue
    from pyflow_inspector.wiring import Wiring


def wiring_fact(wiring: Wiring) -> WiringFact:
    """One wiring as plain data."""
    syntax = wiring.module.syntax
    return WiringFact(wiring.kind, wiring.name, syntax.span(wiring.node), syntax.span(wiring.anchor))


def workflow_fact(model: ProjectModel, workflow: WiredFunction) -> WorkflowFact:
    """One workflow as plain data."""
    places = [
        StepPlace(step.key, step.module.syntax.span(step.name_node or step.call))
        for step in workflow.facts.steps
        if step.form.type == "rpc"
    ]
    return WorkflowFact(
        wiring_fact(workflow.wiring),
        _workflow(model, workflow),
        tuple(places),
        _targets(workflow),
        _services(workflow),
        _functions(workflow),
    )


def rpc_fact(model: ProjectModel, rpc: WiredFunction) -> RpcFact:
    """One RPC as plain data."""
    return RpcFact(wiring_fact(rpc.wiring), _rpc(model, rpc), _targets(rpc), _services(rpc), _takes_data(rpc))


def _takes_data(rpc: WiredFunction) -> Literal["none", "optional", "required"] | None:
    if not rpc.is_as_written:
        return None
    param = rpc.signature.data_param
    if param is None:
        return "none"
    return "required" if param.default is None else "optional"


def _functions(workflow: WiredFunction) -> tuple[FunctionPlace, ...]:
    """The functions of the project that inline steps run."""
    return tuple(
        FunctionPlace(step.form.function.label, step.module.syntax.span(step.target_node), _need(step.form.function))
        for step in workflow.facts.steps
        if step.form.type == "inline" and step.form.function is not None and step.target_node is not None
    )


def _need(function: FunctionValue) -> str | None:
    """The first parameter without a default; nothing where decorators or an instance may fill it."""
    node = function.node
    is_method = function.closure is None and "." in function.label.partition(":")[2]
    if is_method or (isinstance(node, cst.FunctionDef) and node.decorators):
        return None
    params = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
    return next((param.name.value for param in params if param.default is None), None)


def _targets(wired: WiredFunction) -> tuple[Target, ...]:
    """The RPCs that steps and bare invocations name."""
    found: list[Target] = []
    for step in wired.facts.steps:
        form = step.form
        if form.type == "rpc" and form.rpc_name not in {None, DYNAMIC} and step.target_node is not None:
            written = written_rpc(form.rpc_name or "", is_reference=form.is_reference)
            is_whole = any(arg.value is step.name_node for arg in step.call.args)  # and not put into a `partial` before
            has_data = _has_data(step.call, 1, is_reference=form.is_reference) if is_whole else None
            is_literal = isinstance(step.target_node, cst.SimpleString)
            found.append(Target(written, step.module.syntax.span(step.target_node), has_data, is_literal))
    for invoke in wired.facts.invokes:
        if invoke.name is not None:
            written = written_rpc(invoke.name, is_reference=invoke.is_reference)
            has_data = _has_data(invoke.call, 0, is_reference=invoke.is_reference)
            place = invoke.place
            is_literal = isinstance(place.node, cst.SimpleString)
            found.append(Target(written, place.module.syntax.span(place.node), has_data, is_literal))
    return tuple(found)


def _has_data(call: cst.Call, index: int, *, is_reference: bool) -> bool | None:
    """Whether data follows the name at `index`, or is handed to the reference there."""
    given = [arg for arg in call.args if arg.keyword is None]
    if any(arg.star for arg in given):
        return None
    if not is_reference:
        return len(given) > index + 1
    reference = given[index].value
    while isinstance(reference, cst.Call) and _is_method_of_call(reference.func):  # `rpcs.users.create(data).lazy()`
        reference = reference.func.value
    return bool(reference.args) if isinstance(reference, cst.Call) else None


def _is_method_of_call(node: cst.CSTNode) -> TypeGuard[cst.Attribute]:
    return isinstance(node, cst.Attribute) and isinstance(node.value, cst.Call)


def _services(wired: WiredFunction) -> tuple[ServicePlace, ...]:
    """The keyword-only parameters, in the order in which they are written."""
    syntax = wired.module.syntax
    return tuple(
        ServicePlace(param.name.value, param.default is not None, syntax.span(param))
        for param in wired.node.params.kwonly_params
    )


def _workflow(model: ProjectModel, workflow: WiredFunction) -> WorkflowMeta:
    call = workflow.wiring.call
    assert call is not None
    lookup = workflow.wiring.lookup(model.project)
    mode = text(keyword_argument(call, "execution_mode"), lookup)
    steps = _steps(model, workflow)
    return WorkflowMeta(
        name=workflow.name,
        description=text(keyword_argument(call, "description"), lookup),
        execution_mode="inline" if mode == "inline" else "remote",
        tags=texts(keyword_argument(call, "tags"), lookup),
        docs=documentation(keyword_argument(call, "docs"), lookup),
        func=workflow.label,
        module=module_name(workflow.name),
        worker=worker_name(workflow.name),
        queue=orchestrator_queue(workflow.name),
        input=_type(workflow.signature.data),
        output=_type(workflow.signature.result),
        services=workflow.signature.services,
        middleware=_references(model, workflow, "middleware"),
        permissions=_references(model, workflow, "permissions"),
        hash=model.hashes.of_workflow(workflow),
        span=workflow.module.syntax.span(workflow.node),
        steps=tuple(steps.values()),
        invokes=_invokes(workflow),
        graph=make_graph(workflow.facts.blocks.root, steps) if workflow.facts.blocks.root else Graph(),
        input_optional=workflow.signature.is_data_optional,
    )


def _rpc(model: ProjectModel, rpc: WiredFunction) -> RpcMeta:
    call = rpc.wiring.call
    assert call is not None
    lookup = rpc.wiring.lookup(model.project)
    return RpcMeta(
        name=rpc.name,
        func=rpc.label,
        is_async=rpc.signature.is_async,
        input=_type(rpc.signature.data),
        output=_type(rpc.signature.result),
        services=rpc.signature.services,
        options=execution_options(call, lookup),
        span=rpc.module.syntax.span(rpc.node),
        description=text(keyword_argument(call, "description"), lookup) or _docstring_summary(rpc.node),
        input_optional=rpc.signature.is_data_optional,
    )


def _docstring_summary(node: cst.FunctionDef) -> str | None:
    docstring = node.get_docstring()
    return docstring.strip().partition("\n")[0] or None if isinstance(docstring, str) else None


def _type(annotation: Annotation | None) -> TypeMeta | None:
    return None if annotation is None else annotation.meta


def _references(model: ProjectModel, workflow: WiredFunction, option: str) -> tuple[str, ...]:
    """The functions in a list, as `"module:name"`."""
    assert workflow.wiring.call is not None
    node = keyword_argument(workflow.wiring.call, option)
    if node is None:
        return ()
    if not isinstance(node, cst.List | cst.Tuple):
        return (DYNAMIC,)
    symbols = [_reference(model, workflow, item.value) for item in node.elements]
    return tuple(symbols)


def _reference(model: ProjectModel, workflow: WiredFunction, node: cst.BaseExpression) -> str:
    called = node.func if isinstance(node, cst.Call) else node
    symbol = model.project.resolve(workflow.wiring.module, dotted_name(called) or "")
    return DYNAMIC if symbol is None else symbol.path


def _invokes(workflow: WiredFunction) -> tuple[str, ...]:
    found = workflow.facts.invokes
    names = {written_rpc(one.name, is_reference=one.is_reference) for one in found if one.name is not None}
    return tuple(sorted(names))


# --- steps


def _steps(model: ProjectModel, workflow: WiredFunction) -> dict[FoundStep, StepMeta]:
    """In source order."""
    ordered = sorted(workflow.facts.steps, key=lambda step: step.order)
    ids: dict[FoundStep, str] = {}
    counts: dict[str, int] = {}
    for step in ordered:
        counts[step.key] = counts.get(step.key, 0) + 1
        ids[step] = step.key if counts[step.key] == 1 else f"{step.key}#{counts[step.key]}"
    return {step: _step(model, workflow, step, ids) for step in ordered}


def _step(model: ProjectModel, workflow: WiredFunction, step: FoundStep, ids: dict[FoundStep, str]) -> StepMeta:
    is_rpc = step.form.type == "rpc"
    rpc_name = step.form.rpc_name
    return StepMeta(
        id=ids[step],
        type=step.form.type,
        step_name=DYNAMIC if step.name is None else step.name,
        pattern=step.pattern,
        description=step.description,
        span=step.module.syntax.span(step.call),
        hash=model.hashes.of_step(step),
        rpc_name=None if rpc_name is None else written_rpc(rpc_name, is_reference=step.form.is_reference),
        options=step.options,
        queue=step_queue(workflow.name, step.key) if is_rpc else None,
        worker=worker_name(workflow.name, step.key) if is_rpc else None,
        repeated=step.repeated,
        optional=step.optional,
        via=step.via,
        uses=tuple(name for other, name in ids.items() if other in step.uses),
    )
