"""What the walker knows of a value: what it is, and which steps' results went into it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pyflow_inspector.folding import Constant, Template
from pyflow_inspector.project import Symbol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import libcst as cst

    from pyflow_core.metadata import StepType
    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.block import Block
    from pyflow_inspector.steps.fact import Arm, FoundStep, Pending

Owner = Literal["workflow", "rpc"]

MAX_OPTIONS = 40
"""A value that may be more things than these is taken to be anything."""

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
    receiver: Value | None = None
    """The object or class that a method is bound to: it goes to the first parameter."""
    owner: Symbol | None = None
    """The class that a method stands in."""
    raw: bool = False
    """Without its decorators."""


@dataclass(unsafe_hash=True, slots=True)  # as `Value`
class Given:
    """One argument of a call.

    `star` is `"*"` or `"**"` if it is unpacked from something that cannot be read. `direct` says that `node` is the
    argument itself, and not what it was unpacked from.
    """

    module: Module
    node: cst.BaseExpression
    value: Value
    keyword: str | None = None
    star: str = ""
    direct: bool = True


@dataclass(frozen=True, eq=False)
class Partial:
    """A `functools.partial`: what it calls, and with what."""

    callee: Value
    given: tuple[Given, ...]


@dataclass(eq=False)
class Instance:
    """An object: of a class of the project, or (without one) of attributes alone.

    `given` are the arguments that its `__init__` has not been walked with yet; nothing once it has been. `holds`
    says that its annotations promise `workflow`, though nothing has been seen to put it there.
    """

    symbol: Symbol | None
    attributes: dict[str, Value] = field(default_factory=dict[str, "Value"])
    given: tuple[Given, ...] | None = None
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Proceed:
    """What middleware calls for what it surrounds."""


@dataclass(frozen=True, slots=True)
class Super:
    """`super()` in a method of the class `owner`."""

    receiver: Value
    owner: Symbol


@dataclass(frozen=True, eq=False)
class Items:
    """A list, a tuple, what a generator yields. Unless it is `exact` each value may come any number of times."""

    values: tuple[Value, ...]
    exact: bool = True


@dataclass(frozen=True, eq=False)
class Entries:
    """A mapping; entries whose keys are not known have none."""

    values: tuple[tuple[object, Value], ...]


@dataclass(frozen=True, eq=False)
class Member:
    """A method of a container, or of an object whose class does not define it."""

    owner: Value
    name: str


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several values. Where a loop goes through all of them, `around` says whether it is itself repeated."""

    options: tuple[Value, ...]
    around: bool | None = None


Meaning = (
    Handle
    | Method
    | Reference
    | FunctionValue
    | Partial
    | Instance
    | Super
    | Proceed
    | Items
    | Entries
    | Member
    | Choice
    | Constant
    | Template
    | Symbol
    | None
)


@dataclass(unsafe_hash=True, slots=True)  # nobody changes one, but `frozen` makes the making of them slow
class Value:
    """A value during the walk.

    `steps` are those whose results it may hold; `pending` the calls that it stands for and that someone must
    await; `held` such calls among its elements; `annotation` what its name is annotated with, where nothing better is
    known; `is_data` marks the input of the workflow; `blocks` are what happens when it is awaited; `parts` are its
    elements, where each is known.
    """

    meaning: Meaning = None
    steps: frozenset[FoundStep] = frozenset()
    pending: tuple[Pending, ...] = ()
    held: tuple[Pending, ...] = ()
    annotation: cst.BaseExpression | None = None
    is_data: bool = False
    blocks: tuple[Block, ...] = ()
    parts: tuple[Value, ...] = ()

    def plain(self) -> Value:
        """Only the steps: what is left of a value that went through an expression."""
        return Value(steps=self.steps)

    @property
    def owed(self) -> tuple[Pending, ...]:
        """The calls that must be awaited through it, its own and those of its elements."""
        return (*self.pending, *self.held) if self.held else self.pending

    @property
    def options(self) -> tuple[Value, ...]:
        """The values that it may be: itself, unless it is a choice."""
        return self.meaning.options if isinstance(self.meaning, Choice) else (self,)


NOTHING = Value()


def join(one: Value, other: Value) -> Value:
    """A value that is one or the other."""
    if one is other:
        return one
    same = one.meaning is other.meaning or (one.meaning is not None and one.meaning == other.meaning)
    return Value(
        one.meaning if same else _choose(one, other),
        one.steps | other.steps,
        _together(one.pending, other.pending),
        _together(one.held, other.held),
        one.annotation if one.annotation is other.annotation else None,
        one.is_data or other.is_data,
        (*one.blocks, *other.blocks),
    )


def _together(one: tuple[Pending, ...], other: tuple[Pending, ...]) -> tuple[Pending, ...]:
    return tuple(dict.fromkeys((*one, *other))) if one and other else one or other


def _choose(one: Value, other: Value) -> Meaning:
    """Several texts, or several things that can be followed; of anything else nothing is known."""
    options = list({_identity(option): option for option in (*one.options, *other.options)}.values())
    followed = [option for option in options if is_followed(option.meaning)]
    if not followed and not all(isinstance(option.meaning, Constant | Template) for option in options):
        return None
    kept = followed or options
    if len(kept) == 1:
        return kept[0].meaning
    return Choice(tuple(replace(option, pending=()) for option in kept)) if len(kept) <= MAX_OPTIONS else None


def _identity(value: Value) -> object:
    meaning = value.meaning
    if isinstance(meaning, FunctionValue) and meaning.receiver is None:
        return meaning.node
    return meaning if isinstance(meaning, Handle | Method | Reference | Constant | Template) else id(meaning)


def choose(values: Iterable[Value]) -> Value:
    """A value that is any of several."""
    chosen: Value | None = None
    for value in values:
        chosen = value if chosen is None else join(chosen, value)
    return NOTHING if chosen is None else chosen


def is_followed(meaning: Meaning) -> bool:
    """Whether a value is more than data: something that can be called, or that may hold such a thing."""
    return isinstance(meaning, _FOLLOWED)


_FOLLOWED = (Handle, Method, FunctionValue, Partial, Instance, Items, Entries, Member)


def behind(values: Sequence[Value]) -> Value:
    """What is left of several values that go where nothing of them comes out."""
    if not any(value.steps or value.blocks for value in values):
        return NOTHING
    return Value(steps=union(values), blocks=waiting(values))


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
    global_names: set[str] = field(default_factory=set[str])
    returns: list[Value] = field(default_factory=list[Value])
    yields: list[Value] = field(default_factory=list[Value])
    function: FunctionValue | None = None
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

    def rebind(self, name: str, value: Value) -> bool:
        """Give a name that is bound here or in an enclosing function another value; whether it is."""
        frame: Frame | None = self
        while frame is not None and name not in frame.names:
            frame = frame.parent
        if frame is None:
            return False
        frame.names[name] = value
        return True

    def let_go(self) -> None:
        """Forget what leads back here: the functions made in it, and steps that saw its names."""
        self.names.clear()
        self.nested.clear()
        self.returns.clear()
        self.yields.clear()

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
