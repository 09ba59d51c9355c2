"""A whole project as plain data: what its units say, and what only all of them together can answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pyflow_core.naming import module_name
from pyflow_inspector.unit import read_rpc

if TYPE_CHECKING:
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.unit import FactoryFact, RpcFact, WiringFact, WorkflowFact


@dataclass(frozen=True)
class LinkedProject:
    """What rules about a whole project judge. The first wiring of a name has it; later ones are in `wirings` only."""

    settings: InspectorSettings
    modules: frozenset[str]
    """The names of all modules of the project, also of those that were not read."""
    wirings: tuple[WiringFact, ...]
    """All of them, by file and line, those that cannot be used too."""
    workflows: tuple[WorkflowFact, ...]
    """By name."""
    rpcs: tuple[RpcFact, ...]
    """By name."""
    factory: FactoryFact | None
    """The service factory, if the settings name one in a module of the project."""

    @property
    def functions(self) -> tuple[WorkflowFact | RpcFact, ...]:
        """Workflows and RPCs."""
        return (*self.workflows, *self.rpcs)

    @cached_property
    def rpc_names(self) -> frozenset[str]:
        """The names of all RPCs, also of those whose function is not found."""
        return frozenset(w.name for w in self.wirings if w.kind == "rpc" and w.name is not None)

    @cached_property
    def _names_by_path(self) -> dict[str, str]:
        return {".".join(map(module_name, name.split("."))): name for name in sorted(self.rpc_names)}

    def rpc_name(self, written: str) -> str:
        """The RPC that is meant by a name or by the path of a typed reference, as `written_rpc` makes them."""
        name, is_reference = read_rpc(written)
        return self._names_by_path.get(name, name) if is_reference else name
