"""From a model to the metadata that the rest of pyflow reads."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, cast

import libcst as cst

from pyflow_core.metadata import Diagnostic, Metadata, ProjectMeta, RpcMeta, StepMeta, TypeMeta, WorkflowMeta
from pyflow_core.naming import DYNAMIC, module_name, orchestrator_queue, step_queue, worker_name
from pyflow_inspector.digest import digest
from pyflow_inspector.option import documentation, execution_options, keyword_argument, text, texts
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from pyflow_inspector.annotation import Annotation
    from pyflow_inspector.model import ProjectModel, WiredFunction
    from pyflow_inspector.steps.fact import FoundStep


def summarise(model: ProjectModel, diagnostics: tuple[Diagnostic, ...]) -> Metadata:
    """The metadata of a project."""
    settings = model.project.settings
    return Metadata(
        ProjectMeta(settings.name, ".", settings.package, settings.services),
        tuple(_workflow(model, workflow) for workflow in model.workflows),
        tuple(_rpc(model, rpc) for rpc in model.rpcs),
        diagnostics,
    )


def _workflow(model: ProjectModel, workflow: WiredFunction) -> WorkflowMeta:
    call = workflow.wiring.call
    assert call is not None
    lookup = workflow.wiring.lookup(model.project)
    mode = text(keyword_argument(call, "execution_mode"), lookup)
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
        hash=_workflow_hash(workflow),
        span=workflow.module.syntax.span(workflow.node),
        steps=_steps(model, workflow),
        invokes=_invokes(model, workflow),
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


def _invokes(model: ProjectModel, workflow: WiredFunction) -> tuple[str, ...]:
    found = workflow.facts.invokes
    names = {model.rpc_name(one.name, is_reference=one.is_reference) for one in found if one.name is not None}
    return tuple(sorted(names))


# --- steps


def _steps(model: ProjectModel, workflow: WiredFunction) -> tuple[StepMeta, ...]:
    ordered = sorted(workflow.facts.steps, key=lambda step: step.order)
    ids: dict[FoundStep, str] = {}
    counts: dict[str, int] = {}
    for step in ordered:
        counts[step.key] = counts.get(step.key, 0) + 1
        ids[step] = step.key if counts[step.key] == 1 else f"{step.key}#{counts[step.key]}"
    return tuple(_step(model, workflow, step, ids) for step in ordered)


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
        hash=_step_hash(step),
        rpc_name=None if rpc_name is None else model.rpc_name(rpc_name, is_reference=step.form.is_reference),
        options=step.options,
        queue=step_queue(workflow.name, step.key) if is_rpc else None,
        worker=worker_name(workflow.name, step.key) if is_rpc else None,
        repeated=step.repeated,
        optional=step.optional,
        via=step.via,
        uses=tuple(name for other, name in ids.items() if other in step.uses),
    )


# --- hashes


def _step_hash(step: FoundStep) -> str:
    """Of the call without its description, and of the function that an inline step runs."""
    nodes = [step.module.syntax.twin(step.call)]
    function = step.form.function
    if function is not None and isinstance(function.node, cst.FunctionDef):
        nodes.append(function.module.syntax.twin(function.node))
    return digest(nodes, omit=_description_of(step))


def _workflow_hash(workflow: WiredFunction) -> str:
    """Of the function without its decorators, of the helpers and step functions it reaches, by name."""
    reached = sorted(workflow.facts.reached.items())
    nodes = [module.syntax.twin(node) for _, (module, node) in reached]
    own = cast(Any, workflow.module.syntax.twin(workflow.node))
    descriptions = [node for step in workflow.facts.steps for node in _description_of(step)]
    return digest(nodes, omit=[*own.decorator_list, *descriptions])


def _description_of(step: FoundStep) -> list[ast.AST]:
    call = step.module.syntax.twin(step.call)
    assert isinstance(call, ast.Call)
    return [keyword for keyword in call.keywords if keyword.arg == "description"]
