"""Metadata made by hand, so that the generator is tested without the inspector."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyflow_cli.settings import Settings
from pyflow_core.metadata import (
    Graph,
    GraphEdge,
    GraphNode,
    Metadata,
    ProjectMeta,
    RpcMeta,
    ServiceMeta,
    Span,
    StepMeta,
    StepType,
    TypeMeta,
    WorkflowMeta,
)
from pyflow_core.naming import DYNAMIC, module_name, orchestrator_queue, step_queue, worker_name

SPAN = Span("app/workflows/onboarding.py", 34, 1, 47, 86)
FUNCTIONS = "app.functions"


def type_of(text: str, **refs: str) -> TypeMeta:
    return TypeMeta(text, refs)


def model(name: str, module: str = FUNCTIONS) -> TypeMeta:
    return TypeMeta(name, {name: f"{module}:{name}"})


def rpc(name: str, input_: TypeMeta | None = None, output: TypeMeta | None = None, **more: Any) -> RpcMeta:
    function = "rpc_" + module_name(name.replace(".", "_"))
    given = {"func": f"{FUNCTIONS}:{function}", "is_async": True, "services": (), "options": {}, "span": SPAN}
    return RpcMeta(name=name, input=input_, output=output or type_of("None"), **{**given, **more})


def step(name: str, rpc_name: str | None = None, *, workflow: str = "onboarding", **more: Any) -> StepMeta:
    pattern = name if "*" in name else None
    kind: StepType = "inline" if rpc_name is None else "rpc"
    given = {
        "id": name,
        "type": kind,
        "step_name": DYNAMIC if pattern else name,
        "pattern": pattern,
        "description": None,
        "span": SPAN,
        "hash": "sha256:1",
        "rpc_name": rpc_name,
        "queue": step_queue(workflow, name) if rpc_name else None,
        "worker": worker_name(workflow, name) if rpc_name else None,
    }
    return StepMeta(**{**given, **more})


def workflow(name: str = "onboarding", *steps: StepMeta, **more: Any) -> WorkflowMeta:
    given: dict[str, Any] = {
        "description": None,
        "execution_mode": "remote",
        "tags": (),
        "docs": {},
        "func": f"app.workflows.onboarding:{module_name(name)}",
        "module": module_name(name),
        "worker": worker_name(name),
        "queue": orchestrator_queue(name),
        "input": model("OnboardingInput", "app.workflows.onboarding"),
        "output": model("OnboardingOutput", "app.workflows.onboarding"),
        "services": (),
        "middleware": (),
        "permissions": (),
        "hash": "sha256:" + "0" * 64,
        "span": SPAN,
        "graph": line_of(steps),
    }
    return WorkflowMeta(name=name, steps=steps, **{**given, **more})


def line_of(steps: tuple[StepMeta, ...]) -> Graph:
    """The graph of steps that follow one another."""
    nodes = [GraphNode(item.id, item.type, label=item.key, step=item.id) for item in steps]
    ends = [GraphNode("start", "start"), *nodes, GraphNode("end", "end")]
    edges = [GraphEdge(one.id, other.id) for one, other in pairwise(ends)]
    return Graph(tuple(ends), tuple(edges))


def metadata(workflows: tuple[WorkflowMeta, ...] = (), rpcs: tuple[RpcMeta, ...] = ()) -> Metadata:
    project = ProjectMeta("app", ".", "pyflow_gen", None)
    return Metadata(project, workflows, tuple(sorted(rpcs, key=lambda item: item.name)), ())


def onboarding() -> Metadata:
    """The project of the documentation: a model, a dataclass, a typed dictionary, an RPC without data, a pattern."""
    database = ServiceMeta("db", builtin=False, optional=False)
    rpcs = (
        rpc("users.create", model("CreateUser"), model("User"), services=(database,)),
        rpc("notify.send", model("Notify")),
        rpc("billing.charge", model("Charge"), model("Receipt"), services=(database,)),
        rpc("settings.get", None, type_of("dict[str, str]")),
        rpc("lookup.find", model("Lookup"), type_of("list[str]"), is_async=False),
    )
    steps = (
        step("createUser", "users.create", description="Create account"),
        step("calculateTaxRate"),
        step("notify-*", "notify.send", repeated=True),
        step("charge", "billing.charge", options={"retries": 5}),
        step("find", "lookup.find"),
    )
    description = "Onboards a new user with email verification"
    return metadata((workflow("onboarding", *steps, description=description, invokes=("settings.get",)),), rpcs)


def settings(**changes: Any) -> Settings:
    return replace(Settings(root=Path("/project"), name="app", services="app.services:create_services"), **changes)
