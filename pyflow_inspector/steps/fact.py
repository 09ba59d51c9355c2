"""What the walk of a workflow has found. Rules judge it; nothing here is a finding yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pyflow_inspector.steps.block import BlockRecorder

if TYPE_CHECKING:
    import libcst as cst

    from pyflow_core.metadata import StepType
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.value import Frame, FunctionValue

Arm = tuple["cst.CSTNode", frozenset[int]]
"""A branching statement, and which of its arms may be the one that runs."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a step does. `problem` says why its target is not known for certain."""

    type: StepType
    rpc_name: str | None = None
    is_reference: bool = False
    function: FunctionValue | None = None
    problem: str | None = None


@dataclass(eq=False)
class FoundStep:
    """A call that makes a step. `name` is its literal name; where it has none, `pattern` tells its shape."""

    module: Module
    call: cst.Call
    form: Form
    name: str | None
    pattern: str | None
    name_node: cst.BaseExpression | None
    target_node: cst.BaseExpression | None
    description: str | None
    options: dict[str, Any]
    via: tuple[str, ...]
    order: tuple[tuple[int, int], ...]
    repeated: bool
    optional: bool
    ways: list[tuple[Arm, ...]]
    """The arms taken on each way to this call."""
    frame: Frame
    """The names that the call saw, as they were when its function ended."""
    uses: set[FoundStep] = field(default_factory=set["FoundStep"])

    @property
    def key(self) -> str:
        """The literal name, or the pattern."""
        return self.name if self.name is not None else self.pattern or "*"


@dataclass(eq=False)
class Pending:
    """A call whose result must be awaited, and whether anyone took it."""

    module: Module
    call: cst.Call
    kind: Literal["step", "helper", "invoke", "group", "rest"]
    taken: bool = True
    awaited: bool = False
    """By the name that it was given, or as one of several."""
    misused: bool = False
    """Taken for a result by the name that it was given."""
    reads: int = 0
    tests: int = 0
    """How many of the reads ask only whether it is true."""

    @property
    def is_lost(self) -> bool:
        """Whether nobody awaits it, as far as that can be told."""
        is_only_tested = 0 < self.tests == self.reads
        return not self.awaited and (not self.taken or self.misused or is_only_tested)


@dataclass(frozen=True, slots=True)
class Place:
    """An expression to point at, and what is the matter with it."""

    module: Module
    node: cst.CSTNode
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reuse:
    """A helper that makes a step of a fixed name was called again, at `place`."""

    step: FoundStep
    place: Place


@dataclass(frozen=True, slots=True)
class Invoke:
    """A bare `rpc.invoke`. Without a `name` it could not be read."""

    place: Place
    call: cst.Call
    name: str | None
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class Renamed:
    """A parameter `name` of the wired function that is `workflow` or `rpc` (`owner`), and so would not be injected."""

    place: Place
    name: str
    owner: str


@dataclass
class Facts:
    """Everything that the walk of one function came across."""

    steps: list[FoundStep] = field(default_factory=list[FoundStep])
    invokes: list[Invoke] = field(default_factory=list[Invoke])
    pending: dict[cst.Call, Pending] = field(default_factory=dict["cst.Call", Pending])
    reuses: list[Reuse] = field(default_factory=list[Reuse])
    escapes: list[Place] = field(default_factory=list[Place])
    nested: list[Place] = field(default_factory=list[Place])
    renamed: list[Renamed] = field(default_factory=list["Renamed"])
    reached: dict[str, tuple[Module, cst.CSTNode]] = field(default_factory=dict[str, "tuple[Module, cst.CSTNode]"])
    """The functions whose code belongs to the workflow, by label."""
    blocks: BlockRecorder = field(default_factory=BlockRecorder)
    conduct: Conduct | None = None
    """What its code does besides making steps; nothing for an RPC, whose code may do what it likes."""

    @property
    def calls(self) -> list[CallFact]:
        """Every call in the code of the workflow and in the functions that its steps run."""
        return [] if self.conduct is None else self.conduct.calls


def are_exclusive(one: tuple[Arm, ...], other: tuple[Arm, ...]) -> bool:
    """Whether no single run takes both ways."""
    return any(a[0] is b[0] and not a[1] & b[1] for a in one for b in other)
