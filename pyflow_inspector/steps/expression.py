"""Expressions: which steps' results go into a value, and what a name or an attribute is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from pyflow_inspector.folding import chain_terms
from pyflow_inspector.module_table import target_names
from pyflow_inspector.steps.container import element, read_mapping, read_sequence, read_subscript
from pyflow_inspector.steps.group import hold
from pyflow_inspector.steps.misuse import may_ask, note_iterated
from pyflow_inspector.steps.statement import bind_target
from pyflow_inspector.steps.value import (
    NOTHING,
    Context,
    Entries,
    FunctionValue,
    Items,
    Value,
    is_followed,
    join,
    union,
)

if TYPE_CHECKING:
    from pyflow_inspector.steps.walker import Walker


def _name(walker: Walker, node: cst.Name, ctx: Context) -> Value:
    value = walker.named(node, ctx) or NOTHING
    for pending in value.pending:
        pending.taken = True
        pending.reads += 1
    for pending in value.held:
        pending.taken = True
    return value


def _attribute(walker: Walker, node: cst.Attribute, ctx: Context) -> Value:
    known = walker.named(node, ctx)
    if known is not None:
        return known
    owner = walker.evaluate(node.value, ctx)
    for pending in owner.pending:
        pending.taken = may_ask(pending, node.attr.value)  # an attribute of the call itself, which nobody awaited
    return walker.attribute(owner, node.attr.value, node, ctx)


def _text(walker: Walker, node: cst.BaseExpression, ctx: Context) -> Value:
    return Value(walker.fold(node, ctx), walker.evaluate_parts(node, ctx).steps)


def _chain(walker: Walker, node: cst.BinaryOperation | cst.ConcatenatedString, ctx: Context) -> Value:
    """A sum or a row of texts, which may be long: its terms are walked in a loop."""
    return Value(walker.fold(node, ctx), walker.evaluate_all(chain_terms(node), ctx).steps)


def _await(walker: Walker, node: cst.Await, ctx: Context) -> Value:
    value = walker.evaluate(node.expression, ctx)
    for pending in value.pending:
        pending.taken = pending.awaited = True
    walker.facts.blocks.await_(value.blocks)
    return replace(value, pending=(), blocks=()) if value.pending or value.blocks else value


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
    return Value(join(left, right).meaning, left.steps | right.steps, (*left.pending, *right.pending))


def _named_expression(walker: Walker, node: cst.NamedExpr, ctx: Context) -> Value:
    mark = walker.facts.blocks.mark()
    value = hold(walker, walker.evaluate(node.value, ctx), mark)
    for name in target_names(node.target):
        ctx.frame.bind(name, value)
    return replace(value, pending=())


def _comprehension(walker: Walker, node: Any, ctx: Context) -> Value:
    frame = walker.frame(ctx.frame.module, ctx.frame.label, ctx.frame.node, ctx.frame)
    inner = replace(ctx, frame=frame)
    steps: frozenset[Any] = frozenset()
    clause: cst.CompFor | None = node.for_in
    blocks = walker.facts.blocks
    depth = 0
    while clause is not None:
        source = walker.evaluate(clause.iter, inner)
        note_iterated(walker, clause, inner)
        blocks.begin("loop", ctx.frame.module, clause, head=clause.iter)
        blocks.arm("body")
        depth += 1
        bind_target(walker, clause.target, element(source, repeated=inner.repeated), clause.iter, inner)
        inner = replace(inner, repeated=True)
        steps |= source.steps
        for condition in clause.ifs:
            steps |= walker.evaluate(condition.test, inner).steps
        clause = clause.inner_for_in
    parts = (node.key, node.value) if isinstance(node, cst.DictComp) else (node.elt,)
    values = [walker.evaluate(part, inner) for part in parts]
    for _ in range(depth):
        blocks.end()
    ctx.frame.nested.extend(frame.nested)
    steps |= union(values)
    kept = replace(values[-1], pending=(), blocks=())
    held = values[-1].owed
    if not held and not is_followed(kept.meaning):
        return Value(steps=steps)
    found = Entries(((None, kept),)) if isinstance(node, cst.DictComp) else Items((kept,), exact=False)
    return Value(found, steps, held=held)


def _yield(walker: Walker, node: cst.Yield, ctx: Context) -> Value:
    inner = node.value.item if isinstance(node.value, cst.From) else node.value
    if inner is None:
        return NOTHING
    value = walker.evaluate(inner, ctx)
    if len(ctx.active) == 1:
        walker.escape(inner, value, ctx)
    if isinstance(node.value, cst.From):
        value = element(value, repeated=ctx.repeated)
    frame = ctx.frame
    while frame.function is None and frame.parent is not None:
        frame = frame.parent
    frame.yields.append(value)
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
    cst.Tuple: read_sequence,
    cst.List: read_sequence,
    cst.Set: read_sequence,
    cst.Dict: read_mapping,
    cst.Subscript: read_subscript,
    cst.ListComp: _comprehension,
    cst.SetComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    cst.DictComp: _comprehension,
    cst.Yield: _yield,
    cst.Annotation: _nothing,
    cst.FormattedStringText: _nothing,
}
