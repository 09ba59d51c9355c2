"""Attributes: of `workflow`, of typed references, of objects, of containers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyflow_inspector.annotation import refers_to
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.instance import (
    bound_method,
    find_function,
    read_instance_attribute,
    read_super,
    unknown_instance,
)
from pyflow_inspector.steps.value import (
    NOTHING,
    STEP_METHODS,
    Choice,
    Entries,
    FunctionValue,
    Handle,
    Instance,
    Items,
    Member,
    Method,
    Partial,
    Reference,
    Super,
    Value,
    choose,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import libcst as cst

    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker


def read_attribute_of(walker: Walker, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value:
    """What an attribute of a value is, taken at `node`."""
    handler = _HANDLERS.get(type(owner.meaning), _of_unknown)
    found = handler(walker, owner, name, node, ctx)
    return _lost(walker, owner, node, ctx) if found is None else found


def _lost(walker: Walker, owner: Value, node: cst.BaseExpression, ctx: Context) -> Value:
    walker.escape(node, owner, ctx)
    return Value(steps=owner.steps, is_data=owner.is_data, annotation=owner.annotation)


def _of_handle(walker: Walker, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value:
    assert isinstance(owner.meaning, Handle)
    handle = owner.meaning.owner
    is_method = name in STEP_METHODS if handle == "workflow" else name == "invoke"
    if is_method:
        return Value(Method(handle, name))
    if name.startswith("_"):
        walker.escape(node, owner, ctx)
    return NOTHING


def _of_reference(_walker: Walker, owner: Value, name: str, _node: cst.BaseExpression, _ctx: Context) -> Value:
    assert isinstance(owner.meaning, Reference)
    return owner if owner.meaning.called else Value(Reference(f"{owner.meaning.path}.{name}"))


def _of_container(_walker: Walker, owner: Value, name: str, _node: cst.BaseExpression, _ctx: Context) -> Value:
    return Value(Member(owner, name), owner.steps)


def _of_callable(_walker: Walker, owner: Value, name: str, _node: cst.BaseExpression, _ctx: Context) -> Value | None:
    return owner if name == "__call__" else None


def _of_class(walker: Walker, owner: Value, name: str, _node: cst.BaseExpression, _ctx: Context) -> Value | None:
    symbol = owner.meaning
    if not isinstance(symbol, Symbol) or symbol.class_node is None:
        return None
    return walker.symbol_value(walker.project.members(symbol, [name]))


def _of_choice(walker: Walker, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value:
    choice = owner.meaning
    assert isinstance(choice, Choice)
    values = [walker.attribute(option, name, node, ctx) for option in choice.options]
    found = choose(values)
    if isinstance(found.meaning, Choice) and choice.around is not None:
        found = replace(found, meaning=Choice(found.meaning.options, choice.around))
    return replace(found, steps=owner.steps | union(values))


def _of_unknown(walker: Walker, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value | None:
    """A method of the class that a value is annotated with."""
    if owner.annotation is None or owner.meaning is not None:
        return None
    for symbol in refers_to(walker.project, ctx.frame.module, owner.annotation):
        function = None if symbol.class_node is None else find_function(walker, symbol, name)
        if function is not None:
            receiver = Value(unknown_instance(symbol, ctx.frame.module, owner.annotation), owner.steps)
            return bound_method(walker, function, receiver, node, ctx)
    return None


_HANDLERS: dict[type, Callable[[Walker, Value, str, cst.BaseExpression, Context], Value | None]] = {
    Handle: _of_handle,
    Reference: _of_reference,
    Choice: _of_choice,
    Instance: read_instance_attribute,
    Super: read_super,
    Items: _of_container,
    Entries: _of_container,
    Symbol: _of_class,
    FunctionValue: _of_callable,
    Method: _of_callable,
    Partial: _of_callable,
}
