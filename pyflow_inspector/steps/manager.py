"""`with`: what a context manager gives, what it runs, and what it keeps from going on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import libcst as cst

from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.container import element
from pyflow_inspector.steps.group import is_task_group
from pyflow_inspector.steps.statement import bind_target
from pyflow_inspector.steps.value import FunctionValue, Instance, Items

if TYPE_CHECKING:
    from pyflow_inspector.steps.value import Context, Value
    from pyflow_inspector.steps.walker import Walker


def _with(walker: Walker, node: cst.With, ctx: Context) -> Context | None:
    entered: list[tuple[cst.WithItem, Value]] = []
    group: cst.CSTNode | None = None
    for item in node.items:
        manager = walker.evaluate(item.item, ctx)
        value = _enter_manager(walker, item, manager, ctx)
        entered.append((item, manager))
        group = item.item if is_task_group(walker, item.item, ctx) else group
        if item.asname is not None:
            bind_target(walker, item.asname.name, value, item.item, ctx)
    after = _body(walker, node, group, ctx)
    for item, manager in reversed(entered):
        _call_method(walker, manager, ("__aexit__", "__exit__"), item.item, ctx)
    return after


def _body(walker: Walker, node: cst.With, group: cst.CSTNode | None, ctx: Context) -> Context | None:
    """What stands inside; where `suppress` is around it, as in a `try` whose handler does nothing."""
    blocks = walker.facts.blocks
    silencers = [item.item for item in node.items if _is_suppress(item.item, walker, ctx)]
    for one in silencers:
        blocks.begin("try", ctx.frame.module, one, label="suppress")
        blocks.arm("body")
    mark = blocks.mark()
    after = walker.run(node.body.body, ctx)
    if group is not None:
        blocks.gather(ctx.frame.module, group, "all", blocks.loose(mark))
    for one in reversed(silencers):
        blocks.arm("except", _handler(one))
        blocks.end()
    return ctx if silencers else after


def _is_suppress(node: cst.BaseExpression, walker: Walker, ctx: Context) -> TypeGuard[cst.Call]:
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Name | cst.Attribute) or not node.args:
        return False
    known = walker.named(node.func, ctx)
    return known is not None and isinstance(known.meaning, Symbol) and known.meaning.dotted == "contextlib.suppress"


def _handler(suppress: cst.Call) -> cst.ExceptHandler:
    """The `except` that `suppress(A, B)` stands for."""
    kinds = [arg.value for arg in suppress.args]
    kind = kinds[0] if len(kinds) == 1 else cst.Tuple([cst.Element(one) for one in kinds])
    return cst.ExceptHandler(cst.IndentedBlock([]), kind)


def _enter_manager(walker: Walker, item: cst.WithItem, manager: Value, ctx: Context) -> Value:
    """What `as` binds: what `__enter__` gives back, what a generator yields."""
    if isinstance(manager.meaning, Items):
        return element(manager, repeated=ctx.repeated)
    found = _call_method(walker, manager, ("__aenter__", "__enter__"), item.item, ctx)
    if found is not None:
        return replace(found, pending=())
    walker.escape(item.item, manager, ctx)
    return manager.plain()


def _call_method(
    walker: Walker, owner: Value, names: tuple[str, ...], node: cst.BaseExpression, ctx: Context
) -> Value | None:
    if not isinstance(owner.meaning, Instance):
        return None
    for name in names:
        method = walker.attribute(owner, name, node, ctx)
        if isinstance(method.meaning, FunctionValue):
            return walker.call(node, method, (), ctx)
    return None


HANDLERS: dict[type[cst.CSTNode], Any] = {cst.With: _with}
