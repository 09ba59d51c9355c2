"""Functions from outside the project whose effect on values is known, so that `workflow` can be followed through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.folding import Constant
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.container import copied
from pyflow_inspector.steps.liveness import hand_out
from pyflow_inspector.steps.value import (
    NOTHING,
    Entries,
    Given,
    Instance,
    Items,
    Partial,
    Super,
    Value,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker


def call_outside(walker: Walker, name: str, given: tuple[Given, ...], node: cst.CSTNode, ctx: Context) -> Value | None:
    """What a function from outside, or a builtin, gives back; nothing if it is not known."""
    effect = _EFFECTS.get(name)
    return None if effect is None else effect(walker, given, node, ctx)


def _partial(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    if not given or given[0].keyword is not None or given[0].star:
        return None
    callee, *rest = given
    value = replace(callee.value, pending=())
    return Value(Partial(value, tuple(rest)), union(one.value for one in given))


def _second(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    return given[1].value if len(given) == 2 and not given[1].star else None


def _first(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    return given[0].value if len(given) == 1 and not given[0].star else None


def _held(walker: Walker, given: tuple[Given, ...], node: cst.CSTNode, ctx: Context) -> Value | None:
    """`nullcontext(x)`: what a `with` gets from it."""
    found = _first(walker, given, node, ctx)
    return None if found is None else Value(Items((found,)), found.steps)


def _nothing(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    """It looks at what it is given, and does not use it."""
    return Value(steps=union(one.value for one in given))


def _replace(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    return copied(given[0].value, given[1:]) if given else None


def _namespace(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    if any(one.keyword is None for one in given):
        return None
    attributes = {one.keyword or "": replace(one.value, pending=()) for one in given}
    return Value(Instance(None, attributes), union(attributes.values()))


def _mapping(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    if any(one.keyword is None for one in given):
        return None
    entries = tuple((one.keyword, replace(one.value, pending=())) for one in given)
    return Value(Entries(entries), union(one.value for one in given))


def _same_items(walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, ctx: Context) -> Value | None:
    if not given or given[0].star or not isinstance(given[0].value.meaning, Items):
        return None
    steps = union(hand_out(walker, one, ctx) for one in given[1:])
    value = given[0].value
    return replace(value, steps=value.steps | steps)


def _enumerate(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    value = given[0].value if given else NOTHING
    if not isinstance(value.meaning, Items):
        return None
    items = (replace(item, pending=value.held) for item in value.meaning.values)
    pairs = tuple(Value(Items((NOTHING, item)), item.steps) for item in items)
    return replace(value, meaning=Items(pairs, value.meaning.exact), held=())


def _getattr(walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, ctx: Context) -> Value | None:
    if len(given) < 2 or not isinstance(given[1].value.meaning, Constant):
        return None
    name = given[1].value.meaning.value
    if not isinstance(name, str) or not name.isidentifier():
        return None
    return walker.attribute(given[0].value, name, given[0].node, ctx)


def _super(_walker: Walker, given: tuple[Given, ...], _node: cst.CSTNode, ctx: Context) -> Value | None:
    frame = ctx.frame
    while frame.parent is not None and (frame.function is None or frame.function.owner is None):
        frame = frame.parent
    function = frame.function
    if function is None or function.owner is None or len(given) not in {0, 2}:
        return None
    first = next(iter(function.node.params.params), None)
    receiver = frame.names.get(first.name.value) if first is not None else None
    return None if receiver is None else Value(Super(receiver, function.owner), receiver.steps)


_EFFECTS: dict[str, Callable[[Walker, tuple[Given, ...], cst.CSTNode, Context], Value | None]] = {
    "functools.partial": _partial,
    "typing.cast": _second,
    "typing_extensions.cast": _second,
    "copy.copy": _first,
    "copy.replace": _replace,
    "dataclasses.replace": _replace,
    "types.SimpleNamespace": _namespace,
    "contextlib.nullcontext": _held,
    "builtins.callable": _nothing,
    "builtins.dict": _mapping,
    "builtins.enumerate": _enumerate,
    "builtins.getattr": _getattr,
    "builtins.hasattr": _nothing,
    "builtins.id": _nothing,
    "builtins.isinstance": _nothing,
    "builtins.iter": _same_items,
    "builtins.list": _same_items,
    "builtins.reversed": _same_items,
    "builtins.set": _same_items,
    "builtins.sorted": _same_items,
    "builtins.super": _super,
    "builtins.tuple": _same_items,
}


def outside_name(walker: Walker, node: cst.CSTNode, value: Value, ctx: Context) -> str:
    """The absolute name of a callee that lies outside the project; nothing for others."""
    if isinstance(value.meaning, Symbol):
        return value.meaning.dotted
    if isinstance(node, cst.Name) and walker.is_builtin(node.value, ctx):
        return f"builtins.{node.value}"
    return ""
