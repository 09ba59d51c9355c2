"""Functions with decorators of the project: what is called is what the decorator gave back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.steps.argument import bind, read_given
from pyflow_inspector.steps.value import (
    Choice,
    Context,
    FunctionValue,
    Given,
    Instance,
    Partial,
    Value,
)
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from pyflow_inspector.steps.walker import Walker

_NOT_WRAPPERS = {"property", "cached_property", "staticmethod", "classmethod"}
_DISPATCHERS = {"functools.singledispatch", "functools.singledispatchmethod"}


def decorated(walker: Walker, function: FunctionValue, ctx: Context) -> Value:
    """What a function's name stands for after its decorators; those from outside are taken to change nothing."""
    node = function.node
    value = Value(function)
    if isinstance(node, cst.Lambda) or not node.decorators:
        return value
    if node not in walker.decorations:
        walker.decorations[node] = value  # for a decorator that leads back here
        plain = replace(function, receiver=None, raw=True)
        frame = function.closure or walker.frame(function.module, function.module.name)
        inner = replace(ctx, frame=frame, in_step=False)
        walker.decorations[node] = _apply_all(walker, plain, node, inner)
    found = walker.decorations[node]
    if function.receiver is None or not isinstance(found.meaning, FunctionValue):
        return value if found.meaning is None else found
    return Value(replace(found.meaning, receiver=function.receiver))


def _apply_all(walker: Walker, function: FunctionValue, node: cst.FunctionDef, ctx: Context) -> Value:
    value = Value(function)
    for decorator in reversed(node.decorators):
        expression = decorator.decorator
        name = (dotted_name(expression) or "").rpartition(".")[2]
        if name in _NOT_WRAPPERS:
            continue
        symbol = walker.project.resolve_node(ctx.frame.module, expression)
        if symbol is not None and symbol.dotted in _DISPATCHERS:
            value = _dispatched(function, node)
            continue
        given = (Given(ctx.frame.module, expression, value),)
        result = _force(walker, expression, made(walker, expression, ctx), given, ctx)
        if isinstance(result.meaning, FunctionValue | Partial | Instance | Choice):
            value = replace(result, pending=())
    return value


def made(walker: Walker, expression: cst.BaseExpression, ctx: Context) -> Value:
    """What an expression gives that may call a factory, which is walked, though it gets no `workflow`."""
    if not isinstance(expression, cst.Call):
        return walker.evaluate(expression, ctx)
    given = read_given(walker, expression, ctx)
    return _force(walker, expression, walker.evaluate(expression.func, ctx), given, ctx)


def _force(walker: Walker, node: cst.BaseExpression, callee: Value, given: tuple[Given, ...], ctx: Context) -> Value:
    """Walk a function of the project, though no `workflow` goes into it."""
    if isinstance(callee.meaning, FunctionValue):
        return walker.enter(callee.meaning, bind(callee.meaning, given).values, node, ctx)
    if isinstance(callee.meaning, Instance | Partial) or _is_class(callee):
        return walker.call(node, callee, given, ctx)
    return Value()


def _is_class(value: Value) -> bool:
    return getattr(value.meaning, "class_node", None) is not None


def _dispatched(function: FunctionValue, node: cst.FunctionDef) -> Value:
    """A single-dispatch function: itself, and all that is registered with it in its module."""
    found = [function]
    for statement in function.module.syntax.concrete.body:
        if isinstance(statement, cst.FunctionDef) and any(
            _registers(one.decorator, node.name.value) for one in statement.decorators
        ):
            label = f"{function.module.name}:{statement.name.value}"
            found.append(FunctionValue(label, function.module, statement, raw=True))
    return Value(Choice(tuple(Value(one) for one in found)) if len(found) > 1 else function)


def _registers(decorator: cst.BaseExpression, name: str) -> bool:
    inner = decorator.func if isinstance(decorator, cst.Call) else decorator
    return dotted_name(inner) == f"{name}.register"
