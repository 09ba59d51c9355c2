"""Calls: of `workflow.do` and its kin, of `rpc.invoke`, of helpers, of everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from pyflow_core.naming import DYNAMIC
from pyflow_inspector.folding import HOLE, Constant, Template
from pyflow_inspector.option import execution_options, has_unpacked_keywords, keyword_argument, seconds, text
from pyflow_inspector.steps.expression import hold
from pyflow_inspector.steps.fact import Form, FoundStep, Invoke, Pending, Place, Reuse, are_exclusive
from pyflow_inspector.steps.form import read_form
from pyflow_inspector.steps.group import group_join, makes_task
from pyflow_inspector.steps.statement import root_name
from pyflow_inspector.steps.value import (
    NOTHING,
    STEP_METHODS,
    Context,
    FunctionValue,
    Method,
    Reference,
    Value,
    union,
    waiting,
)
from pyflow_inspector.tree import walk_cst

if TYPE_CHECKING:
    from pyflow_core.metadata import Join
    from pyflow_inspector.folding import Folded, Lookup
    from pyflow_inspector.steps.walker import Walker


def _call(walker: Walker, node: cst.Call, ctx: Context) -> Value:
    callee = walker.evaluate(node.func, ctx)
    meaning = callee.meaning
    if isinstance(meaning, Method):
        return _method(walker, node, meaning, ctx)
    if isinstance(meaning, Reference):
        return Value(Reference(meaning.path, called=True), _arguments(walker, node, ctx).steps)
    if isinstance(meaning, FunctionValue):
        return _helper(walker, node, meaning, ctx)
    join = group_join(meaning, node)
    if join is not None:
        return _group(walker, node, join, ctx)
    mark = walker.facts.blocks.mark()
    given = _arguments(walker, node, ctx)
    made = hold(walker, given, mark).blocks
    steps = callee.steps | given.steps
    if isinstance(node.func, cst.Attribute):
        root = root_name(node.func)
        if root is not None:  # `results.append(x)`: what goes in may come out
            ctx.frame.mix(root, Value(steps=steps, blocks=made))
    if makes_task(node):
        for block in made:
            block.started = True
    return Value(walker.fold(node, ctx), steps, blocks=(*callee.blocks, *made))


def _group(walker: Walker, node: cst.Call, join: Join, ctx: Context) -> Value:
    """Steps that run at once. Of `gather` it is known which result comes from which."""
    blocks = walker.facts.blocks
    mark = blocks.mark()
    values = [_hand_out(walker, arg.value, walker.evaluate(arg.value, ctx), ctx) for arg in node.args]
    blocks.gather(ctx.frame.module, node, join, (*waiting(values), *blocks.loose(mark)))
    positional = [value for arg, value in zip(node.args, values, strict=True) if arg.keyword is None]
    is_plain = join in ("all", "settled") and not any(arg.star for arg in node.args)
    parts = tuple(value.plain() for value in positional) if is_plain else ()
    return Value(steps=union(values), parts=parts)


def _method(walker: Walker, node: cst.Call, method: Method, ctx: Context) -> Value:
    if method.owner == "rpc":
        return _invoke(walker, node, ctx)
    if ctx.in_step:
        walker.facts.nested.append(Place(ctx.frame.module, node, f"workflow.{method.name}"))
        return _arguments(walker, node, ctx)
    return _step(walker, node, method.name, ctx)


# --- everything else


def _arguments(walker: Walker, node: cst.Call, ctx: Context) -> Value:
    """The steps behind the arguments of a call that is not followed."""
    values = [_hand_out(walker, arg.value, walker.evaluate(arg.value, ctx), ctx) for arg in node.args]
    return Value(steps=union(values), blocks=waiting(values))


def _hand_out(walker: Walker, node: cst.BaseExpression, value: Value, ctx: Context) -> Value:
    """Note what becomes of a value that goes into code which is not followed."""
    walker.escape(node, value, ctx)
    if isinstance(value.meaning, FunctionValue) and value.meaning.closure is not None:
        result = walker.enter_unknown(value.meaning, node, ctx)
        return Value(steps=value.steps | result.steps, blocks=result.blocks)
    return value


# --- helpers


def _helper(walker: Walker, node: cst.Call, function: FunctionValue, ctx: Context) -> Value:
    given = [(arg, walker.evaluate(arg.value, ctx)) for arg in node.args]
    bound = _bind_arguments(function, given)
    steps = union(value for _, value in given)
    for arg, value in given:
        if not any(value is one for one in bound.values()):
            steps |= _hand_out(walker, arg.value, value, ctx).steps
    if not walker.must_follow(function, bound):
        return Value(steps=steps)
    result = walker.enter(function, bound, node, ctx)
    if isinstance(function.node, cst.Lambda) or function.node.asynchronous is None:
        return result
    return Value(steps=result.steps, pending=(_pend(walker, node, "helper", ctx),), blocks=result.blocks)


def _bind_arguments(function: FunctionValue, given: list[tuple[cst.Arg, Value]]) -> dict[str, Value]:
    params = function.node.params
    names = [param.name.value for param in (*params.posonly_params, *params.params)]
    if function.skips_first:
        names = names[1:]
    bound: dict[str, Value] = {}
    for arg, value in given:
        if arg.star:
            names = []  # what a `*` unpacks cannot be told apart
        elif arg.keyword is not None:
            bound[arg.keyword.value] = value
        elif names:
            bound[names.pop(0)] = value
    known = {param.name.value for param in (*params.posonly_params, *params.params, *params.kwonly_params)}
    return {name: value for name, value in bound.items() if name in known}


def _pend(walker: Walker, node: cst.Call, kind: Any, ctx: Context) -> Pending:
    return walker.facts.pending.setdefault(node, Pending(ctx.frame.module, node, kind))


# --- rpc.invoke


def _invoke(walker: Walker, node: cst.Call, ctx: Context) -> Value:
    values = [walker.evaluate(arg.value, ctx) for arg in node.args]
    meaning = values[0].meaning if values and not node.args[0].star else None
    name: str | None = None
    if isinstance(meaning, Reference):
        name = meaning.path
    elif isinstance(meaning, Constant) and isinstance(meaning.value, str):
        name = meaning.value
    is_reference = isinstance(meaning, Reference)
    written = node.args[0].value if node.args else node
    if is_reference and isinstance(written, cst.Call):
        written = written.func
    invoke = Invoke(Place(ctx.frame.module, written), node, name, is_reference)
    walker.facts.invokes.append(invoke)
    block = walker.facts.blocks.leaf("invoke", ctx.frame.module, node)
    block.invoke, block.waits = invoke, True
    return Value(steps=union(values), pending=(_pend(walker, node, "invoke", ctx),), blocks=(block,))


# --- steps


def _step(walker: Walker, node: cst.Call, method: str, ctx: Context) -> Value:
    positional = [arg for arg in node.args if arg.keyword is None and arg.star != "**"]
    readable = positional and not any(arg.star for arg in positional)
    name_node = positional[0].value if readable else None
    target_node = positional[1].value if readable and len(positional) > 1 else None
    name = NOTHING if name_node is None else walker.evaluate(name_node, ctx)
    target = NOTHING if target_node is None else walker.evaluate(target_node, ctx)
    others = [arg.value for arg in node.args if arg.value is not name_node and arg.value is not target_node]
    inputs = [walker.evaluate(value, ctx) for value in others]
    form = Form(STEP_METHODS[method])
    if method == "do":
        form = read_form(walker, target_node, target, has_data=len(positional) > 2, ctx=ctx)
    uses = target.steps | union(inputs)
    if form.function is not None:
        uses |= _step_function(walker, form.function, target_node or node, ctx)
    step = _note(walker, node, name, name_node, target_node, form, method, ctx)
    step.uses |= uses - {step}
    block = walker.facts.blocks.leaf("step", ctx.frame.module, node)
    block.step, block.waits = step, True
    return Value(steps=frozenset({step}), pending=(_pend(walker, node, "step", ctx),), blocks=(block,))


def _step_function(walker: Walker, function: FunctionValue, node: cst.CSTNode, ctx: Context) -> frozenset[FoundStep]:
    """Walk the function of an inline step, for what it invokes; the steps whose results it captures."""
    walker.mark_run_by_step(function)
    if walker.must_follow(function, {}):
        blocks = walker.facts.blocks
        blocks.begin("function", ctx.frame.module, node)  # what a step does inside is none of the workflow's graph
        blocks.arm("body")
        walker.enter(function, {}, node, replace(ctx, in_step=True))
        blocks.end()
        blocks.discard()
    if function.closure is None:
        return frozenset()
    names = {part.value for part in walk_cst(function.node.body) if isinstance(part, cst.Name)}
    captured = [function.closure.find(name) for name in sorted(names)]
    return union(value for value in captured if value is not None)


def _note(
    walker: Walker,
    node: cst.Call,
    name: Value,
    name_node: cst.BaseExpression | None,
    target_node: cst.BaseExpression | None,
    form: Form,
    method: str,
    ctx: Context,
) -> FoundStep:
    literal, pattern = _step_name(name.meaning)
    known = _known_step(walker, node, literal, pattern)
    if known is not None:
        _meet_again(walker, known, node, ctx)
        return known
    lookup = _lookup(walker, ctx)
    step = FoundStep(
        module=ctx.frame.module,
        call=node,
        form=form,
        name=literal,
        pattern=pattern,
        name_node=name_node,
        target_node=_named_target(target_node, form),
        description=_description(node, lookup),
        options=_options(node, method, target_node, lookup),
        via=ctx.via,
        order=(*ctx.order, walker.position(node, ctx)),
        repeated=ctx.repeated,
        optional=ctx.optional,
        ways=[ctx.arms],
        frame=ctx.frame,
    )
    walker.facts.steps.append(step)
    return step


def _named_target(node: cst.BaseExpression | None, form: Form) -> cst.BaseExpression | None:
    """The expression that names the target: of a called reference, the reference."""
    return node.func if form.is_reference and isinstance(node, cst.Call) else node


def _step_name(meaning: Any) -> tuple[str | None, str | None]:
    """The literal name, or else the pattern."""
    if isinstance(meaning, Constant) and isinstance(meaning.value, str):
        return str(meaning.value), None
    return None, (meaning if isinstance(meaning, Template) else HOLE).pattern


def _known_step(walker: Walker, node: cst.Call, literal: str | None, pattern: str | None) -> FoundStep | None:
    for step in walker.facts.steps:
        if step.call is node and step.name == literal and step.pattern == pattern:
            return step
    return None


def _meet_again(walker: Walker, step: FoundStep, node: cst.Call, ctx: Context) -> None:
    """A helper leads to the same step once more."""
    apart = all(are_exclusive(way, ctx.arms) for way in step.ways)
    step.ways.append(ctx.arms)
    if apart:
        return
    if step.name is None:
        step.repeated = True
    else:
        module, call = ctx.entry or (ctx.frame.module, node)
        walker.facts.reuses.append(Reuse(step, Place(module, call)))


def _lookup(walker: Walker, ctx: Context) -> Lookup:
    def lookup(node: cst.BaseExpression) -> Folded:
        return walker.fold(node, ctx)

    return lookup


def _description(node: cst.Call, lookup: Lookup) -> str | None:
    given = keyword_argument(node, "description")
    if given is None and has_unpacked_keywords(node):
        return DYNAMIC
    return text(given, lookup)


def _options(node: cst.Call, method: str, second: cst.BaseExpression | None, lookup: Lookup) -> dict[str, Any]:
    options = execution_options(node, lookup)
    duration = second or keyword_argument(node, "duration")
    if method == "sleep" and duration is not None:
        options["duration"] = seconds(duration, lookup)
    return options


HANDLERS: dict[type[cst.CSTNode], Any] = {cst.Call: _call}
