"""Whether a value leads to `workflow`, and what becomes of one that goes where it cannot be followed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyflow_inspector.steps.value import (
    Choice,
    Entries,
    FunctionValue,
    Given,
    Handle,
    Instance,
    Items,
    Member,
    Method,
    Partial,
    Super,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import libcst as cst

    from pyflow_inspector.steps.value import Context, Meaning
    from pyflow_inspector.steps.walker import Walker


def is_live(value: Value) -> bool:
    """Whether a value may make steps or invoke RPCs: `workflow`, `rpc`, and whatever holds or closes over them."""
    return any(isinstance(one, Handle | Method) or _closes(one) or _promises(one) for one in _within(value))


def _promises(meaning: Meaning) -> bool:
    return isinstance(meaning, Instance) and meaning.holds


def _closes(meaning: Meaning) -> bool:
    return isinstance(meaning, FunctionValue) and meaning.closure is not None


def carries_workflow(value: Value) -> bool:
    """Whether `workflow` itself can be had from a value without calling it."""
    return any(
        (isinstance(one, Handle | Method) and one.owner == "workflow") or _promises(one) for one in _within(value)
    )


def reachable_functions(values: Iterable[Value]) -> set[cst.CSTNode]:
    """The nested functions that some values lead to."""
    return {one.node for value in values for one in _within(value) if isinstance(one, FunctionValue) and one.closure}


def _within(value: Value) -> Iterator[Meaning]:
    """What a value is and what can be reached from it, each once."""
    stack: list[Value] = [value]
    seen: set[int] = set()
    while stack:
        meaning = stack.pop().meaning
        if meaning is None or id(meaning) in seen:
            continue
        seen.add(id(meaning))
        yield meaning
        stack.extend(_parts(meaning))


def _parts(meaning: Meaning) -> Iterable[Value]:
    match meaning:
        case Items(values=found) | Choice(options=found):
            parts = found
        case Entries(values=entries):
            parts = tuple(value for _, value in entries)
        case Partial(callee=callee, given=given):
            parts = (callee, *(one.value for one in given))
        case Instance(attributes=attributes, given=waiting):
            parts = (*attributes.values(), *(one.value for one in waiting or ()))
        case FunctionValue(receiver=Value() as receiver) | Super(receiver=receiver):
            parts = (receiver,)
        case Member(owner=Value(meaning=Items() | Entries()) as owner):
            parts = (owner,)
        case _:
            parts = ()
    return parts


def hand_out(walker: Walker, given: Given, ctx: Context) -> Value:
    """Note what becomes of a value that goes into code which is not followed.

    A function that can make steps is walked as if it were called there, nobody knows how often; what `workflow` can
    be had from escapes.
    """
    steps = given.value.steps
    blocks = given.value.blocks
    for value in _leaves(given.value):
        meaning = value.meaning
        if isinstance(meaning, FunctionValue) and is_live(value):
            made = walker.enter_unknown(meaning, given.node, ctx)
            steps, blocks = steps | made.steps, (*blocks, *made.blocks)
        elif isinstance(meaning, Partial) and _is_function(meaning) and is_live(value):
            unknown = Given(given.module, given.node, Value(), star="*")
            made = walker.call(given.node, value, (unknown,), replace(ctx, repeated=True))
            steps, blocks = steps | made.steps, (*blocks, *made.blocks)
        else:
            walker.escape(given.node, value, ctx)
    is_same = steps is given.value.steps and blocks is given.value.blocks
    return given.value if is_same else replace(given.value, steps=steps, blocks=blocks)


def _is_function(partial: Partial) -> bool:
    meaning = partial.callee.meaning
    return _is_function(meaning) if isinstance(meaning, Partial) else isinstance(meaning, FunctionValue)


def _leaves(value: Value) -> Iterator[Value]:
    """The values in a container, those in containers inside it too."""
    meaning = value.meaning
    if isinstance(meaning, Items | Choice | Entries):
        for part in _parts(meaning):
            yield from _leaves(part)
    else:
        yield value


def escaping_text(value: Value) -> str:
    """How a finding calls a value from which `workflow` can be had."""
    meaning = value.meaning
    if isinstance(meaning, Method):
        return f"workflow.{meaning.name}"
    if isinstance(meaning, Instance) and meaning.symbol is not None:
        return f"workflow, inside {meaning.symbol.name},"
    if isinstance(meaning, Handle):
        return "workflow"
    return "workflow, inside this value,"
