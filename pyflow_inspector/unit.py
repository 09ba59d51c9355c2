"""What reading one unit gives: plain data, from which a project is put together without any tree.

A unit is one source file that wires something, or the service factory that the settings name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyflow_core.metadata import Diagnostic, RpcMeta, Span, WorkflowMeta  # noqa: TC001 - read by the decoder

Kind = Literal["workflow", "rpc"]

_REFERENCE = "@"
"""Begins what stands for a typed reference; a name that begins so itself is given a second one."""


@dataclass(frozen=True, slots=True)
class WiringFact:
    """One wiring. `span` is that of the whole call, `anchor` that of its name, or else of the call again."""

    kind: Kind
    name: str | None
    span: Span
    anchor: Span


@dataclass(frozen=True, slots=True)
class StepPlace:
    """An RPC step of a workflow: the name or pattern under which it runs, and where that name stands."""

    key: str
    name: Span


@dataclass(frozen=True, slots=True)
class Target:
    """An RPC that a step or a bare `rpc.invoke` names, and where.

    `rpc` is as `written_rpc` makes it. `has_data` says whether data is given along; nothing if that cannot be told.
    `is_literal` says that its name is written there.
    """

    rpc: str
    span: Span
    has_data: bool | None
    is_literal: bool


@dataclass(frozen=True, slots=True)
class FunctionPlace:
    """A function of the project that an inline step runs, and the first argument that it cannot do without."""

    func: str
    span: Span
    needs: str | None


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """A keyword-only parameter of a wired function."""

    name: str
    optional: bool
    span: Span


@dataclass(frozen=True, slots=True)
class WorkflowFact:
    """A workflow that was read. The RPCs in `meta` are as `written_rpc` makes them."""

    wiring: WiringFact
    meta: WorkflowMeta
    steps: tuple[StepPlace, ...]
    targets: tuple[Target, ...]
    services: tuple[ServicePlace, ...]
    functions: tuple[FunctionPlace, ...]


@dataclass(frozen=True, slots=True)
class RpcFact:
    """An RPC that was read. `data` says whether it takes data; nothing if decorators may have changed that."""

    wiring: WiringFact
    meta: RpcMeta
    targets: tuple[Target, ...]
    services: tuple[ServicePlace, ...]
    data: Literal["none", "optional", "required"] | None


@dataclass(frozen=True, slots=True)
class FactoryFact:
    """The service factory: whether its module has it, as far as that can be told, and what the module has.

    `kind` is the class that it yields and `services` the attributes of that; nothing where these are not known.
    """

    found: bool
    names: tuple[str, ...]
    kind: str | None = None
    services: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class UnitReport:
    """Everything that the files of one unit say by themselves."""

    unit: str
    """The module that was read, or `"module:function"` for the service factory."""
    dependencies: dict[str, str | None]
    """Every module that was asked for, with the digest of its file; nothing for one that does not exist."""
    aliases: tuple[str, ...] = ()
    """The other names that the module gives to wire functions."""
    wirings: tuple[WiringFact, ...] = ()
    workflows: tuple[WorkflowFact, ...] = ()
    rpcs: tuple[RpcFact, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    factory: FactoryFact | None = None


def written_rpc(name: str, *, is_reference: bool) -> str:
    """What stands for the target of a step until all RPCs are known: its name, or a mark and `users.create`."""
    return f"{_REFERENCE}{name}" if is_reference or name.startswith(_REFERENCE) else name


def read_rpc(written: str) -> tuple[str, bool]:
    """What `written_rpc` was made of: a name, or the path of a typed reference."""
    if not written.startswith(_REFERENCE):
        return written, False
    name = written.removeprefix(_REFERENCE)
    return name, not name.startswith(_REFERENCE)
