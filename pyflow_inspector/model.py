"""A project as the inspector has read it, with the trees still at hand. Rules judge it, metadata is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pyflow_core.naming import module_name

if TYPE_CHECKING:
    import libcst as cst

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


@dataclass
class ProjectModel:
    """Everything that was read."""

    project: Project
    wirings: list[Wiring] = field(default_factory=list["Wiring"])
    """All of them, by file and line, those that cannot be used too."""
    workflows: list[WiredFunction] = field(default_factory=list[WiredFunction])
    rpcs: list[WiredFunction] = field(default_factory=list[WiredFunction])

    @property
    def functions(self) -> list[WiredFunction]:
        """Workflows and RPCs."""
        return [*self.workflows, *self.rpcs]

    @cached_property
    def rpc_names(self) -> frozenset[str]:
        """The names of all RPCs, also of those whose function is not found."""
        return frozenset(w.name for w in self.wirings if w.kind == "rpc" and w.name is not None)

    @cached_property
    def rpc_paths(self) -> dict[str, str]:
        """The RPC behind each typed reference: `users.create` for `rpcs.users.create`."""
        return {".".join(map(module_name, name.split("."))): name for name in sorted(self.rpc_names)}

    def rpc_name(self, written: str, *, is_reference: bool) -> str:
        """The RPC that is meant by a name or by the path of a typed reference."""
        return self.rpc_paths.get(written, written) if is_reference else written
