"""What an annotation says of a value: that it is `workflow` or `rpc`, or an object that holds `workflow`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import proxy

import libcst as cst

from pyflow_inspector.annotation import refers_to
from pyflow_inspector.module_table import Assigned
from pyflow_inspector.option import keyword_argument
from pyflow_inspector.steps.instance import fields, init_annotations, unknown_instance
from pyflow_inspector.steps.value import Handle, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.project import Module, Symbol
    from pyflow_inspector.steps.walker import Walker

_CONTEXT_NAMES = {"WorkflowContext", "WorkflowPrimitives"}
_MAX_HOPS = 6


class Annotations:
    """Reads annotations, each once."""

    def __init__(self, walker: Walker) -> None:
        self._walker: Walker = proxy(walker)  # which holds this: a circle would outlive the unit
        self._owners: dict[cst.CSTNode, Handle | None] = {}
        self._holders: dict[cst.ClassDef, bool] = {}

    def meaning(self, module: Module, annotation: cst.BaseExpression) -> Handle | Instance | None:
        """`workflow`, `rpc`, or an object of a class whose annotations say that it holds `workflow`."""
        owner = self.owner(module, annotation)
        if owner is not None:
            return owner
        for symbol in refers_to(self._walker.project, module, annotation):
            if self._holds_workflow(symbol, 0):
                return unknown_instance(symbol, module, annotation, holds=True)
        return None

    def owner(self, module: Module, annotation: cst.BaseExpression, hops: int = 0) -> Handle | None:
        """`Handle("workflow")` for `WorkflowContext` and generated `Workflow` types, likewise for `Rpc`."""
        if annotation not in self._owners:
            self._owners[annotation] = None
            found = (self._named(one, hops) for one in refers_to(self._walker.project, module, annotation))
            self._owners[annotation] = next((one for one in found if one is not None), None)
        return self._owners[annotation]

    def _named(self, symbol: Symbol, hops: int) -> Handle | None:
        package = self._walker.project.settings.package
        is_generated = symbol.module.startswith(f"{package}.")
        if symbol.module.partition(".")[0] == "pyflow_core" and symbol.name in _CONTEXT_NAMES:
            return Handle("workflow")
        if is_generated and symbol.name in {"Workflow", "Rpc"}:
            return Handle("workflow" if symbol.name == "Workflow" else "rpc")
        if hops > _MAX_HOPS:
            return None
        found = (self.owner(module, one, hops + 1) for module, one in self._behind(symbol))
        return next((one for one in found if one is not None), None)

    def _behind(self, symbol: Symbol) -> Iterator[tuple[Module, cst.BaseExpression]]:
        """What an alias, a type variable or a class made of another is made of."""
        module = self._walker.project.defining_module(symbol)
        if module is None:
            return
        if symbol.class_node is not None:
            yield from ((module, base.value) for base in symbol.class_node.bases)
        value = symbol.definition.value if isinstance(symbol.definition, Assigned) else None
        if isinstance(value, cst.Call):
            bound = keyword_argument(value, "bound")
            yield from ((module, one) for one in (bound, *(arg.value for arg in value.args[1:2])) if one is not None)
        elif value is not None:
            yield module, value

    def _holds_workflow(self, symbol: Symbol, depth: int) -> bool:
        node = symbol.class_node
        if node is None or depth > 3:
            return False
        if node not in self._holders:
            self._holders[node] = False  # for classes that hold each other
            annotations = [*fields(self._walker.project, symbol).values(), *init_annotations(self._walker, symbol)]
            self._holders[node] = any(self._leads_to_workflow(*one, depth) for one in annotations)
        return self._holders[node]

    def _leads_to_workflow(self, module: Module, annotation: cst.BaseExpression, depth: int) -> bool:
        if self.owner(module, annotation) == Handle("workflow"):
            return True
        found = refers_to(self._walker.project, module, annotation)
        return any(self._holds_workflow(one, depth + 1) for one in found)
