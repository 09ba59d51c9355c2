"""What generated files are made of, in few characters, so that it can be seen that nothing changed.

Positions are left out: no generated file holds one.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pyflow_core.metadata import GraphEdge, GraphNode, RpcMeta, ServiceMeta, StepMeta, TypeMeta, WorkflowMeta

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata


def digest(*values: object) -> str:
    """A digest of texts, numbers and containers of them."""
    return hashlib.sha256(repr(values).encode("utf-8", "backslashreplace")).hexdigest()[:32]


class Fingerprints:
    """The digests of everything in the metadata of a project."""

    def __init__(self, metadata: Metadata, settings: Settings) -> None:
        self._metadata = metadata
        self.settings = digest(
            *(settings.name, settings.source, settings.package, settings.docs, settings.services),
            *(settings.step_services, settings.middleware, settings.runtime),
        )
        self.workflows = {workflow.name: digest(_workflow(workflow)) for workflow in metadata.workflows}
        self.rpcs = {rpc.name: digest(_wired(_RPC(rpc), rpc)) for rpc in metadata.rpcs}

    @cached_property
    def everything(self) -> str:
        """Of the whole project."""
        return digest(self.settings, self.workflows, self.rpcs, repr(self._metadata.project), self._metadata.version)

    @cached_property
    def callers(self) -> str:
        """Of what callers of workflows see."""
        seen = [
            (
                item.name,
                item.description,
                item.docs,
                _type(item.input),
                item.input_optional,
                _type(item.output),
                item.func,
            )
            for item in self._metadata.workflows
        ]
        return digest(self.settings, seen)

    @cached_property
    def workers(self) -> str:
        """Of who works on which queue."""
        seen = [
            (item.name, item.worker, item.queue, [_WORKER(step) for step in item.steps])
            for item in self._metadata.workflows
        ]
        return digest(seen)

    @cached_property
    def index(self) -> str:
        """Of what a list of workflows and RPCs shows."""
        workflows = [
            (item.name, item.module, item.description, item.docs, item.tags, len(item.steps))
            for item in self._metadata.workflows
        ]
        return digest(self._metadata.project.name, workflows, self.rpcs)

    @cached_property
    def references(self) -> str:
        """Of the names and types of all RPCs."""
        return digest([(rpc.name, rpc.func, _type(rpc.input), _type(rpc.output)) for rpc in self._metadata.rpcs])

    @cached_property
    def services(self) -> str:
        """Of what functions are given."""
        wired: list[RpcMeta | WorkflowMeta] = [*self._metadata.rpcs, *self._metadata.workflows]
        given = [(item.name, item.func, _type(item.input), [_service(one) for one in item.services]) for item in wired]
        return digest(self.settings, given)


def _getter(kind: type[Any], without: frozenset[str]) -> Callable[[Any], Any]:
    """The values of all fields but those that hold objects of the metadata."""
    names = [item.name for item in fields(kind) if item.name not in without]
    return attrgetter(*names, *(["span.file"] if "span" in without and kind is not GraphNode else []))


_WORKER = attrgetter("type", "step_name", "pattern", "queue", "worker")
_STEP = _getter(StepMeta, frozenset({"span"}))
_NODE = _getter(GraphNode, frozenset({"span"}))
_EDGE = _getter(GraphEdge, frozenset())
_WORKFLOW = _getter(WorkflowMeta, frozenset({"span", "input", "output", "services", "steps", "graph"}))
_RPC = _getter(RpcMeta, frozenset({"span", "input", "output", "services"}))


def _workflow(workflow: WorkflowMeta) -> object:
    nodes = [(_NODE(node), node.span and node.span.file) for node in workflow.graph.nodes]
    edges = [_EDGE(edge) for edge in workflow.graph.edges]
    return _wired(_WORKFLOW(workflow), workflow), [_STEP(step) for step in workflow.steps], nodes, edges


def _wired(simple: object, item: RpcMeta | WorkflowMeta) -> object:
    return simple, _type(item.input), _type(item.output), [_service(service) for service in item.services]


def _service(service: ServiceMeta) -> object:
    return service.name, service.builtin, service.optional, _type(service.type)


def _type(meta: TypeMeta | None) -> object:
    return meta and (meta.text, meta.refs)
