"""Which of the calls that must be awaited are behind an expression, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.tree import cst_children

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_inspector.steps.fact import Pending
    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker

_RESHAPING = {"filter", "frozenset", "iter", "list", "map", "reversed", "set", "sorted", "tuple", "zip"}
"""Builtins that give the elements of what they are given."""
_NAMES_AND_CALLS = {cst.Name, cst.Attribute, cst.Call}


def spend_all(walker: Walker, parts: Iterable[cst.BaseExpression], ctx: Context) -> None:
    """Note that several expressions are taken for results."""
    for part in parts:
        spend(walker, part, ctx)


def spend(walker: Walker, part: cst.BaseExpression, ctx: Context) -> None:
    """Note that an expression is taken for a result: what is behind it is lost unless somebody awaits it elsewhere."""
    for one in _ways(part):
        found = walker.facts.pending.get(one) if type(one) is cst.Call else None
        if found is not None:
            found.taken = False
        for pending in behind(one, ctx):
            pending.misused = True


def spend_elements(walker: Walker, part: cst.BaseExpression, ctx: Context) -> None:
    """Note that each element of a container is taken for a result."""
    for one in _parts(part):
        if one is not part:
            spend(walker, one, ctx)
    for pending in _held(part, ctx):
        pending.misused = True


def store(walker: Walker, part: cst.BaseExpression, ctx: Context) -> Iterator[cst.BaseExpression]:
    """What is kept as it is: nobody awaits it any more, nor what is in it."""
    spend_elements(walker, part, ctx)
    yield part


def _ways(part: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """The expressions of which one gives its value."""
    if type(part) in _NAMES_AND_CALLS:  # nearly all are such
        yield part
    elif isinstance(part, cst.IfExp):
        yield from _ways(part.body)
        yield from _ways(part.orelse)
    elif isinstance(part, cst.BooleanOperation):
        yield from _ways(part.left)
        yield from _ways(part.right)
    elif isinstance(part, cst.NamedExpr):
        yield from _ways(part.value)
        yield from _ways(part.target)
    else:
        yield part


def _parts(part: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """What a value consists of that is written out."""
    if type(part) in _NAMES_AND_CALLS:
        yield part
    elif isinstance(part, cst.List | cst.Tuple | cst.Set):
        for element in part.elements:
            yield from _parts(element.value)
    elif isinstance(part, cst.Dict):
        for item in part.elements:
            yield from _parts(item.value)
    elif isinstance(part, cst.ListComp | cst.SetComp | cst.GeneratorExp) and isinstance(part.elt, cst.Call):
        yield part.elt
    elif isinstance(part, cst.DictComp) and isinstance(part.value, cst.Call):
        yield part.value
    else:
        yield part


def behind(part: cst.BaseExpression, ctx: Context) -> tuple[Pending, ...]:
    """The calls that a name stands for, or an element of what a name stands for."""
    if type(part) is cst.Name:
        value = ctx.frame.find(part.value)
        return () if value is None else value.pending
    return _held(part.value, ctx) if type(part) is cst.Subscript else ()


def _held(part: cst.BaseExpression, ctx: Context) -> tuple[Pending, ...]:
    """What is in the container that a name stands for."""
    value = ctx.frame.find(part.value) if type(part) is cst.Name else None
    return () if value is None else value.held


def spend_test(part: cst.Name, ctx: Context) -> None:
    """`if task:` may ask whether there is a task: it is a mistake only if nobody takes the task elsewhere."""
    for pending in behind(part, ctx):
        pending.tests += 1


def note_awaited(part: cst.CSTNode, ctx: Context) -> None:
    """Note what is awaited by awaiting `part`; what is given to a call in it is not."""
    if isinstance(part, cst.Name):
        value = ctx.frame.find(part.value)
        _set_awaited(() if value is None else value.owed)
    elif isinstance(part, cst.ListComp | cst.SetComp | cst.GeneratorExp):
        _note_awaited_elements(part.for_in.iter, ctx)
    elif isinstance(part, cst.Call | cst.Attribute):
        _note_awaited_elements(part, ctx)
    else:
        for child in cst_children(part):
            note_awaited(child, ctx)


def _note_awaited_elements(part: cst.BaseExpression, ctx: Context) -> None:
    """`gather(*tasks.values())`, `gather(*list(tasks))`."""
    _set_awaited(_held(part, ctx))
    if isinstance(part, cst.Attribute):
        _note_awaited_elements(part.value, ctx)
    elif isinstance(part, cst.Call):
        _note_awaited_elements(part.func, ctx)
        if isinstance(part.func, cst.Name) and part.func.value in _RESHAPING:
            for arg in part.args:
                _note_awaited_elements(arg.value, ctx)


def _set_awaited(owed: Iterable[Pending]) -> None:
    for pending in owed:
        pending.awaited = True


def hold_in(walker: Walker, container: cst.Name, part: cst.BaseExpression, ctx: Context) -> None:
    """Note that a value was put into the container that a name stands for."""
    call = walker.facts.pending.get(part) if isinstance(part, cst.Call) else None
    owed = (*behind(part, ctx), *([call] if call is not None else ()))
    value = ctx.frame.find(container.value)
    if owed and value is not None:
        held = tuple(dict.fromkeys((*value.held, *owed)))
        ctx.frame.rebind(container.value, replace(value, held=held))
