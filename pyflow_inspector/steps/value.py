"""What the walker knows of a value: what it is, and which steps' results went into it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pyflow_inspector.folding import Constant, Template
from pyflow_inspector.project import Symbol

if TYPE_CHECKING:
    from collections.abc import Iterable

    import libcst as cst

    from pyflow_core.metadata import StepType
    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.block import Block
    from pyflow_inspector.steps.fact import Arm, FoundStep, Pending

Owner = Literal["workflow", "rpc"]

STEP_METHODS: dict[str, StepType] = {"do": "rpc", "sleep": "sleep", "wait_for": "wait", "child": "child"}
"""The methods of `workflow` that make steps; its other attributes are plain values."""


@dataclass(frozen=True, slots=True)
class Handle:
    """The `workflow` or the `rpc` object itself."""

    owner: Owner


@dataclass(frozen=True, slots=True)
class Method:
    """A method of `workflow` or `rpc`, such as `workflow.do`."""

    owner: Owner
    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A typed reference such as `rpcs.users.create`, with its data once it has been called."""

    path: str
    called: bool = False


@dataclass(frozen=True, eq=False)
class FunctionValue:
    """A function of the project. `closure` is the frame in which a nested function or lambda was made."""

    label: str
    module: Module
    node: cst.FunctionDef | cst.Lambda
    closure: Frame | None = None
    skips_first: bool = False
    """A class method, whose first parameter is not among the arguments."""


Meaning = Handle | Method | Reference | FunctionValue | Constant | Template | Symbol | None


@dataclass(frozen=True, slots=True)
class Value:
    """A value during the walk.

    `steps` are those whose results it may hold; `pending` the calls that it stands for and that someone must
    await; `annotation` what its name is annotated with, where nothing better is known; `is_data` marks the input
    of the workflow; `blocks` are what happens when it is awaited; `parts` are its elements, where each is known.
    """

    meaning: Meaning = None
    steps: frozenset[FoundStep] = frozenset()
    pending: tuple[Pending, ...] = ()
    annotation: cst.BaseExpression | None = None
    is_data: bool = False
    blocks: tuple[Block, ...] = ()
    parts: tuple[Value, ...] = ()

    def plain(self) -> Value:
        """Only the steps: what is left of a value that went through an expression."""
        return Value(steps=self.steps)


NOTHING = Value()


def join(one: Value, other: Value) -> Value:
    """A value that is one or the other."""
    if one is other:
        return one
    both_functions = isinstance(one.meaning, FunctionValue) and isinstance(other.meaning, FunctionValue)
    same = both_functions or one.meaning == other.meaning
    return Value(
        one.meaning if same else None,
        one.steps | other.steps,
        (*one.pending, *other.pending),
        one.annotation if one.annotation is other.annotation else None,
        one.is_data or other.is_data,
        (*one.blocks, *other.blocks),
    )


def union(values: Iterable[Value]) -> frozenset[FoundStep]:
    """The steps behind any of several values."""
    steps: frozenset[FoundStep] = frozenset()
    for value in values:
        steps |= value.steps
    return steps


def waiting(values: Iterable[Value]) -> tuple[Block, ...]:
    """What happens when all of several values are awaited."""
    return tuple(block for value in values for block in value.blocks)


@dataclass(eq=False)
class Frame:
    """One function being walked: its names, and what it gave back so far."""

    module: Module
    label: str
    node: cst.FunctionDef | cst.Lambda | None = None
    parent: Frame | None = None
    names: dict[str, Value] = field(default_factory=dict[str, Value])
    outer_names: set[str] = field(default_factory=set[str])
    """Names declared `nonlocal`."""
    returns: list[Value] = field(default_factory=list[Value])
    nested: list[FunctionValue] = field(default_factory=list[FunctionValue])

    def find(self, name: str) -> Value | None:
        """The value of a local name, here or in the enclosing functions."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return None

    def bind(self, name: str, value: Value) -> None:
        """Assign to a local name."""
        if name in self.outer_names and self.parent is not None:
            self.parent.bind(name, value)
        else:
            self.names[name] = value

    def mix(self, name: str, value: Value) -> None:
        """Note that a value went into the object that a local name stands for."""
        frame: Frame | None = self
        while frame is not None and name not in frame.names:
            frame = frame.parent
        if frame is not None and (value.steps or value.blocks):
            old = frame.names[name]
            blocks = (*old.blocks, *value.blocks)
            frame.names[name] = replace(old, steps=old.steps | value.steps, blocks=blocks, parts=())


@dataclass(frozen=True, slots=True)
class Context:
    """Where the walker stands."""

    frame: Frame
    repeated: bool = False
    optional: bool = False
    arms: tuple[Arm, ...] = ()
    via: tuple[str, ...] = ()
    active: tuple[cst.CSTNode, ...] = ()
    """The functions being walked, outermost first."""
    order: tuple[tuple[int, int], ...] = ()
    """The positions of the helper calls on the way here."""
    entry: tuple[Module, cst.CSTNode] | None = None
    """The first helper call on the way here."""
    in_step: bool = False
    """Inside a function that a step runs, where `workflow` does not belong."""
