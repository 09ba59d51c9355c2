"""One unit as the inspector has read it, with the trees still at hand. Rules judge it, its report is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pyflow_inspector.code_hash import CodeHashes

if TYPE_CHECKING:
    import libcst as cst

    from pyflow_inspector.factory import Services
    from pyflow_inspector.project import Module, Project
    from pyflow_inspector.signature import Signature
    from pyflow_inspector.steps.fact import Facts
    from pyflow_inspector.wiring import Wiring


@dataclass(frozen=True, eq=False)
class WiredFunction:
    """A workflow or RPC whose name and function are known. `module` is where the function is defined."""

    name: str
    wiring: Wiring
    module: Module
    label: str
    signature: Signature
    facts: Facts

    @property
    def node(self) -> cst.FunctionDef:
        """The function."""
        return self.signature.node

    @property
    def is_as_written(self) -> bool:
        """Whether the function is called with the parameters that it is written with: no decorator, no method."""
        own = 1 if self.wiring.function_node is self.node else 0
        return len(self.node.decorators) <= own and "." not in self.label.partition(":")[2]


@dataclass
class ProjectModel:
    """Everything that was read for one unit."""

    project: Project
    wirings: list[Wiring] = field(default_factory=list["Wiring"])
    """All of the unit, by line, those that cannot be used too."""
    workflows: list[WiredFunction] = field(default_factory=list[WiredFunction])
    rpcs: list[WiredFunction] = field(default_factory=list[WiredFunction])
    services: Services | None = None
    """What the service factory yields, where the unit is the factory and the source says it."""

    @cached_property
    def hashes(self) -> CodeHashes:
        """The hashes of all that was read."""
        return CodeHashes(self)

    @property
    def functions(self) -> list[WiredFunction]:
        """Workflows and RPCs."""
        return [*self.workflows, *self.rpcs]
