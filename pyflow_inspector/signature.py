"""What a wired function takes and gives: its data, its result, the services it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyflow_core.metadata import ServiceMeta
from pyflow_inspector.annotation import Annotation, read_annotation
from pyflow_inspector.tree import dotted_name
from pyflow_inspector.wire_function import BUILTIN_SERVICES

if TYPE_CHECKING:
    import libcst as cst

    from pyflow_inspector.project import Module, Project


@dataclass(frozen=True)
class Signature:
    """The signature of a wired function. `data_param` is the parameter, annotated or not, that takes the data."""

    node: cst.FunctionDef
    data_param: cst.Param | None
    data: Annotation | None
    result: Annotation | None
    services: tuple[ServiceMeta, ...]
    is_async: bool

    @property
    def is_data_optional(self) -> bool:
        """Whether the parameter that takes the data has a default."""
        return self.data_param is not None and self.data_param.default is not None


def read_signature(project: Project, module: Module, node: cst.FunctionDef) -> Signature:
    """Read the annotations that count: of the first parameter, of the result, of the services."""
    positional = [*node.params.posonly_params, *node.params.params]
    if any(dotted_name(decorator.decorator) == "classmethod" for decorator in node.decorators):
        positional = positional[1:]  # the class, which is bound already
    data = positional[0] if positional else None
    services = [_service(project, module, param) for param in node.params.kwonly_params]
    return Signature(
        node,
        data,
        _annotation(project, module, data.annotation) if data is not None else None,
        _annotation(project, module, node.returns),
        tuple(sorted(services, key=lambda service: service.name)),
        node.asynchronous is not None,
    )


def _annotation(project: Project, module: Module, node: cst.Annotation | None) -> Annotation | None:
    return None if node is None else read_annotation(project, module, node.annotation)


def _service(project: Project, module: Module, param: cst.Param) -> ServiceMeta:
    name = param.name.value
    builtin = name in BUILTIN_SERVICES
    annotation = None if builtin else _annotation(project, module, param.annotation)
    kind = None if annotation is None else annotation.meta
    return ServiceMeta(name, builtin, param.default is not None, kind)
