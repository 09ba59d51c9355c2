"""Expressions: which steps' results go into a value, and what a name or an attribute is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from pyflow_inspector.folding import chain_terms
from pyflow_inspector.module_table import target_names
from pyflow_inspector.steps.value import (
    NOTHING,
    STEP_METHODS,
    Context,
    Frame,
    FunctionValue,
    Handle,
    Method,
    Reference,
    Value,
    join,
)

if TYPE_CHECKING:
    from pyflow_inspector.steps.walker import Walker


def _name(walker: Walker, node: cst.Name, ctx: Context) -> Value:
    value = walker.named(node, ctx) or NOTHING
    for pending in value.pending:
        pending.taken = True
        pending.reads += 1
    return replace(value, pending=()) if value.pending else value


def _attribute(walker: Walker, node: cst.Attribute, ctx: Context) -> Value:
    known = walker.named(node, ctx)
    if known is not None:
        return known
    owner = walker.evaluate(node.value, ctx)
    for pending in owner.pending:
        pending.taken = False  # an attribute of the call itself, which nobody awaited
    if isinstance(owner.meaning, Handle):
        return _handle_attribute(owner.meaning, node.attr.value)
    if isinstance(owner.meaning, Reference):
        is_called = owner.meaning.called
        return owner if is_called else Value(Reference(f"{owner.meaning.path}.{node.attr.value}"))
    return Value(steps=owner.steps, is_data=owner.is_data, annotation=owner.annotation)


def _handle_attribute(handle: Handle, name: str) -> Value:
    is_method = name in STEP_METHODS if handle.owner == "workflow" else name == "invoke"
    return Value(Method(handle.owner, name)) if is_method else NOTHING


def _text(walker: Walker, node: cst.BaseExpression, ctx: Context) -> Value:
    return Value(walker.fold(node, ctx), walker.evaluate_parts(node, ctx).steps)


def _chain(walker: Walker, node: cst.BinaryOperation | cst.ConcatenatedString, ctx: Context) -> Value:
    """A sum or a row of texts, which may be long: its terms are walked in a loop."""
    return Value(walker.fold(node, ctx), walker.evaluate_all(chain_terms(node), ctx).steps)


def _await(walker: Walker, node: cst.Await, ctx: Context) -> Value:
    value = walker.evaluate(node.expression, ctx)
    for pending in value.pending:
        pending.taken = True
    walker.facts.blocks.await_(value.blocks)
    return replace(value, pending=(), blocks=())


def _lambda(walker: Walker, node: cst.Lambda, ctx: Context) -> Value:
    for param in (*node.params.params, *node.params.kwonly_params):
        if param.default is not None:
            walker.evaluate(param.default, ctx)
    function = FunctionValue(f"{ctx.frame.label}.<lambda>", ctx.frame.module, node, ctx.frame)
    ctx.frame.nested.append(function)
    return Value(function)


def _choice(walker: Walker, node: cst.IfExp, ctx: Context) -> Value:
    test = walker.evaluate(node.test, ctx)
    first = replace(ctx, optional=True, arms=(*ctx.arms, (node, frozenset({0}))))
    second = replace(ctx, optional=True, arms=(*ctx.arms, (node, frozenset({1}))))
    blocks = walker.facts.blocks
    branch = blocks.begin("branch", ctx.frame.module, node)
    blocks.arm("then", node)
    body = walker.evaluate(node.body, first)
    blocks.arm("else")
    value = join(body, walker.evaluate(node.orelse, second))
    blocks.end()
    waits = (branch,) if branch.is_loose else value.blocks
    return replace(value, steps=value.steps | test.steps, blocks=waits)


def _either(walker: Walker, node: cst.BooleanOperation, ctx: Context) -> Value:
    left = walker.evaluate(node.left, ctx)
    blocks = walker.facts.blocks
    blocks.begin("branch", ctx.frame.module, node)
    blocks.arm("then" if isinstance(node.operator, cst.And) else "else", node.left)
    right = walker.evaluate(node.right, replace(ctx, optional=True))
    blocks.end()
    return Value(steps=left.steps | right.steps)


def _named_expression(walker: Walker, node: cst.NamedExpr, ctx: Context) -> Value:
    mark = walker.facts.blocks.mark()
    value = hold(walker, walker.evaluate(node.value, ctx), mark)
    for name in target_names(node.target):
        ctx.frame.bind(name, value)
    return replace(value, pending=())


def hold(walker: Walker, value: Value, mark: int) -> Value:
    """`value` as a name will hold it: with all that was noted since `mark` and nobody has awaited yet."""
    loose = walker.facts.blocks.loose(mark)
    known = set(value.blocks)
    return replace(value, blocks=(*value.blocks, *(one for one in loose if one not in known))) if loose else value


def _element(walker: Walker, node: Any, ctx: Context) -> Value:
    value = walker.evaluate(node.value, ctx)
    walker.escape(node.value, value, ctx)
    return value


def _dict_element(walker: Walker, node: cst.DictElement, ctx: Context) -> Value:
    key = walker.evaluate(node.key, ctx)
    return Value(steps=key.steps | _element(walker, node, ctx).steps)


def _comprehension(walker: Walker, node: Any, ctx: Context) -> Value:
    frame = Frame(ctx.frame.module, ctx.frame.label, ctx.frame.node, ctx.frame)
    inner = replace(ctx, frame=frame)
    steps: frozenset[Any] = frozenset()
    clause: cst.CompFor | None = node.for_in
    blocks = walker.facts.blocks
    depth = 0
    while clause is not None:
        source = walker.evaluate(clause.iter, inner)
        blocks.begin("loop", ctx.frame.module, clause, head=clause.iter)
        blocks.arm("body")
        depth += 1
        inner = replace(inner, repeated=True)
        for name in target_names(clause.target):
            frame.names[name] = source.plain()
        for condition in clause.ifs:
            walker.evaluate(condition.test, inner)
        steps |= source.steps
        clause = clause.inner_for_in
    parts = (node.key, node.value) if isinstance(node, cst.DictComp) else (node.elt,)
    for part in parts:
        value = walker.evaluate(part, inner)
        walker.escape(part, value, ctx)
        steps |= value.steps
    for _ in range(depth):
        blocks.end()
    ctx.frame.nested.extend(frame.nested)
    return Value(steps=steps)


def _yield(walker: Walker, node: cst.Yield, ctx: Context) -> Value:
    inner = node.value.item if isinstance(node.value, cst.From) else node.value
    if inner is None:
        return NOTHING
    value = walker.evaluate(inner, ctx)
    walker.escape(inner, value, ctx)
    ctx.frame.returns.append(value.plain())
    return value.plain()


def _nothing(_walker: Walker, _node: cst.CSTNode, _ctx: Context) -> Value:
    return NOTHING


HANDLERS: dict[type[cst.CSTNode], Any] = {
    cst.Name: _name,
    cst.Attribute: _attribute,
    cst.SimpleString: _text,
    cst.ConcatenatedString: _chain,
    cst.FormattedString: _text,
    cst.BinaryOperation: _chain,
    cst.UnaryOperation: _text,
    cst.Integer: _text,
    cst.Float: _text,
    cst.Await: _await,
    cst.Lambda: _lambda,
    cst.IfExp: _choice,
    cst.BooleanOperation: _either,
    cst.NamedExpr: _named_expression,
    cst.Element: _element,
    cst.StarredElement: _element,
    cst.DictElement: _dict_element,
    cst.ListComp: _comprehension,
    cst.SetComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    cst.DictComp: _comprehension,
    cst.Yield: _yield,
    cst.Annotation: _nothing,
    cst.FormattedStringText: _nothing,
}
