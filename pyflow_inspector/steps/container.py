"""Lists, tuples and mappings: what they hold, what comes out of them, what goes in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from pyflow_inspector.folding import Constant
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.liveness import hand_out
from pyflow_inspector.steps.value import (
    NOTHING,
    Choice,
    Entries,
    FunctionValue,
    Given,
    Instance,
    Items,
    Member,
    Value,
    choose,
    is_followed,
    union,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_inspector.steps.fact import Pending
    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker

_MAX_LENGTH = 200
"""Longer literals are data."""


# --- literals


def read_sequence(walker: Walker, node: cst.Tuple | cst.List | cst.Set, ctx: Context) -> Value:
    """A list, tuple or set that is written out."""
    values: list[Value] = []
    owed: list[Pending] = []
    exact = True
    for element in node.elements:
        value = walker.evaluate(element.value, ctx)
        owed += value.owed
        if not isinstance(element, cst.StarredElement):
            values.append(replace(value, pending=()))
        elif isinstance(value.meaning, Items):
            values.extend(value.meaning.values)
            exact = exact and value.meaning.exact
        else:
            walker.escape(element.value, value, ctx)
            values.append(value.plain())
            exact = False
    return _holding(Items(tuple(values), exact), values, owed)


def read_mapping(walker: Walker, node: cst.Dict, ctx: Context) -> Value:
    """A mapping that is written out."""
    entries: list[tuple[object, Value]] = []
    steps: list[Value] = []
    owed: list[Pending] = []
    for element in node.elements:
        value = walker.evaluate(element.value, ctx)
        owed += value.owed
        if isinstance(element, cst.DictElement):
            key = walker.evaluate(element.key, ctx)
            steps.append(key)
            entries.append((_key(key), replace(value, pending=())))
        elif isinstance(value.meaning, Entries):
            entries.extend(value.meaning.values)
        else:
            walker.escape(element.value, value, ctx)
            steps.append(value)
    values = [value for _, value in entries]
    found = _holding(Entries(tuple(entries)), values, owed)
    return replace(found, steps=found.steps | union(steps))


def _key(value: Value) -> object:
    return value.meaning.value if isinstance(value.meaning, Constant) else None


def _holding(container: Items | Entries, values: list[Value], owed: list[Pending]) -> Value:
    """The container, unless there is nothing in it that is worth knowing."""
    known = bool(owed) or not values or any(value.meaning is not None for value in values)
    meaning = container if known and len(values) <= _MAX_LENGTH else None
    return Value(meaning, union(values), held=tuple(owed), blocks=waiting(values))


# --- what comes out


def element(value: Value, *, repeated: bool) -> Value:
    """What a loop over `value` gets, one after the other."""
    parts: list[Value] = []
    for option in value.options:
        meaning = option.meaning
        if isinstance(meaning, Items):
            parts.append(_any_item(meaning, repeated=repeated))
    found = choose(parts)
    owed = value.held if parts else ()  # of a mapping come the keys, and of what is not known nobody knows what
    return replace(
        found,
        steps=value.steps | found.steps,
        is_data=value.is_data,
        pending=(*found.pending, *owed),
        held=(),
        blocks=(),
    )


def _any_item(items: Items, *, repeated: bool) -> Value:
    found = choose(items.values)
    if items.exact and isinstance(found.meaning, Choice):
        return replace(found, meaning=Choice(found.meaning.options, repeated))
    return found


def unpack(value: Value, count: int) -> list[Value]:
    """The values of `a, b = value`."""
    ways = [_parts(option, count) for option in value.options]
    known = [way for way in ways if way is not None]
    if not known or len(known) != len(ways):
        return [value.plain()] * count
    around = value.meaning.around if isinstance(value.meaning, Choice) else None
    return [_around(choose(way[index] for way in known), around=around) for index in range(count)]


def _around(value: Value, *, around: bool | None) -> Value:
    if isinstance(value.meaning, Choice) and around is not None:
        return replace(value, meaning=Choice(value.meaning.options, around))
    return value


def _parts(value: Value, count: int) -> list[Value] | None:
    meaning = value.meaning
    if isinstance(meaning, Items) and meaning.exact and len(meaning.values) == count:
        return list(meaning.values)
    if isinstance(meaning, Instance) and meaning.symbol is not None and len(meaning.attributes) == count:
        return list(meaning.attributes.values())  # a named tuple
    return None


def read_subscript(walker: Walker, node: cst.Subscript, ctx: Context) -> Value:
    """`a[b]`; a class or function that is given types is what it was."""
    owner = walker.evaluate(node.value, ctx)
    indexes = [walker.evaluate(_index(part), ctx) for part in node.slice]
    steps = owner.steps | union(indexes)
    meaning = owner.meaning
    if isinstance(meaning, FunctionValue) or (isinstance(meaning, Symbol) and meaning.class_node is not None):
        return owner
    key = indexes[0].meaning if len(indexes) == 1 else None
    parts = [_looked_up(option, key) for option in owner.options]
    if not any(part is not None for part in parts):
        walker.escape(node.value, owner, ctx)
    found = choose(part for part in parts if part is not None)
    blocks = found.blocks or waiting((owner, *indexes))
    return replace(found, steps=steps | found.steps, pending=owner.held, held=(), blocks=blocks)


def _index(part: cst.SubscriptElement) -> cst.CSTNode:
    return part.slice.value if isinstance(part.slice, cst.Index) else part.slice


def _looked_up(value: Value, key: Any) -> Value | None:
    """What is found at a key or index: exactly, or else anything that is there."""
    meaning = value.meaning
    known = isinstance(key, Constant)
    if isinstance(meaning, Items):
        index = key.value if known else None
        if meaning.exact and isinstance(index, int) and -len(meaning.values) <= index < len(meaning.values):
            return meaning.values[index]
        return choose(meaning.values)
    if isinstance(meaning, Entries):
        exact = [item for name, item in meaning.values if known and name == key.value]
        return exact[-1] if exact else choose(item for _, item in meaning.values)
    return None


def extended(one: Value, other: Value) -> Items | Entries | None:
    """`one += other` of two lists or two mappings."""
    if isinstance(one.meaning, Items) and isinstance(other.meaning, Items):
        return Items((*one.meaning.values, *other.meaning.values), exact=False)
    if isinstance(one.meaning, Entries) and isinstance(other.meaning, Entries):
        return Entries((*one.meaning.values, *other.meaning.values))
    return None


def loosened(value: Value) -> Value:
    """A container after something was done to it: there may be more in it than is known."""
    meaning = value.meaning
    if isinstance(meaning, Items):
        return replace(value, meaning=Items(meaning.values, exact=False))
    if isinstance(meaning, Entries):
        return replace(value, meaning=Entries((*meaning.values, (None, NOTHING))))
    return value


# --- methods


def call_member(walker: Walker, member: Member, given: tuple[Given, ...], node: cst.CSTNode, ctx: Context) -> Value:
    """A method of a container, or one that is not known: then everything goes where it cannot be followed."""
    handler = _METHODS.get(member.name)
    found = handler(walker, member.owner, given, node, ctx) if handler is not None else None
    if found is not None:
        return found
    where = node.func if isinstance(node, cst.Call) else node
    assert isinstance(where, cst.BaseExpression)
    hand_out(walker, Given(ctx.frame.module, where, member.owner), ctx)
    if isinstance(where, cst.Attribute) and isinstance(member.owner.meaning, Items | Entries):
        walker.rebind(where.value, loosened(member.owner), ctx)
    handed = [hand_out(walker, one, ctx) for one in given]
    return Value(steps=member.owner.steps | union(handed), blocks=waiting((member.owner, *handed)))


def _values(
    _walker: Walker, owner: Value, _given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context
) -> Value | None:
    if not isinstance(owner.meaning, Entries):
        return None
    return replace(owner, meaning=Items(tuple(value for _, value in owner.meaning.values)))


def _items(_walker: Walker, owner: Value, _given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    if not isinstance(owner.meaning, Entries):
        return None
    pairs = [
        Value(Items((Value(Constant(key)) if key is not None else NOTHING, replace(value, pending=owner.held))))
        for key, value in owner.meaning.values
    ]
    return replace(owner, meaning=Items(tuple(pairs)), held=())


def _get(_walker: Walker, owner: Value, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    if not isinstance(owner.meaning, Items | Entries):
        return None
    first = given[0].value.meaning if given else None
    found = _looked_up(owner, first)
    rest = [one.value for one in given[1:]] if isinstance(owner.meaning, Entries) else []
    chosen = choose([*([found] if found is not None else []), *rest])
    return replace(chosen, steps=chosen.steps | owner.steps, pending=owner.held, held=())


def _append(walker: Walker, owner: Value, given: tuple[Given, ...], node: cst.CSTNode, ctx: Context) -> Value | None:
    """`items.append(x)`: the name of the list stands for one that holds more."""
    if not isinstance(owner.meaning, Items) or len(given) != 1 or not isinstance(node, cst.Call):
        return None
    value = given[0].value
    is_nested = isinstance(value.meaning, FunctionValue) and value.meaning.closure is not None
    if not is_followed(value.meaning) or is_nested:
        return None
    grown = Items((*owner.meaning.values, replace(value, pending=())), exact=False)
    target = node.func.value if isinstance(node.func, cst.Attribute) else node.func
    if not walker.rebind(target, replace(owner, meaning=grown, steps=owner.steps | value.steps), ctx):
        return None
    return Value(steps=value.steps)


def _copy(_walker: Walker, owner: Value, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context) -> Value | None:
    return owner if isinstance(owner.meaning, Items | Entries) and not given else None


def _changed_copy(
    _walker: Walker, owner: Value, given: tuple[Given, ...], _node: cst.CSTNode, _ctx: Context
) -> Value | None:
    return copied(owner, given)


def copied(owner: Value, given: tuple[Given, ...]) -> Value | None:
    """A copy of an object with some attributes changed, as `dataclasses.replace` makes it."""
    instance = owner.meaning
    if not isinstance(instance, Instance) or any(one.keyword is None for one in given):
        return None
    changes = {one.keyword or "": one.value for one in given}
    attributes = {**instance.attributes, **changes}
    return Value(Instance(instance.symbol, attributes, instance.given), owner.steps | union(changes.values()))


_METHODS: dict[str, Callable[..., Value | None]] = {
    "values": _values,
    "items": _items,
    "get": _get,
    "pop": _get,
    "popleft": _get,
    "append": _append,
    "add": _append,
    "copy": _copy,
    "_replace": _changed_copy,
}
