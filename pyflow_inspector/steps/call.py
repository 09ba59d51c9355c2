"""Calls: of `workflow.do` and its kin, of `rpc.invoke`, of helpers, of everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, cast

import libcst as cst

from pyflow_core.naming import DYNAMIC
from pyflow_inspector.folding import HOLE, Constant, Template
from pyflow_inspector.option import execution_options, keyword_argument, seconds
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.argument import bind, parameters, read_given
from pyflow_inspector.steps.container import call_member
from pyflow_inspector.steps.decoration import decorated
from pyflow_inspector.steps.fact import Form, FoundStep, Invoke, Pending, Place, Reuse, are_exclusive
from pyflow_inspector.steps.form import read_form
from pyflow_inspector.steps.group import group_join, hold, makes_task, must_be_awaited
from pyflow_inspector.steps.instance import construct, is_abstract
from pyflow_inspector.steps.liveness import hand_out, is_live
from pyflow_inspector.steps.outside import call_outside, outside_name
from pyflow_inspector.steps.statement import root_name
from pyflow_inspector.steps.value import (
    NOTHING,
    STEP_METHODS,
    Choice,
    Context,
    FunctionValue,
    Given,
    Instance,
    Member,
    Method,
    Partial,
    Proceed,
    Reference,
    Value,
    behind,
    choose,
    is_followed,
    union,
    waiting,
)
from pyflow_inspector.tree import walk_cst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyflow_core.metadata import Join
    from pyflow_inspector.folding import Folded, Lookup
    from pyflow_inspector.steps.block import Block
    from pyflow_inspector.steps.value import Meaning
    from pyflow_inspector.steps.walker import Walker


def _call(walker: Walker, node: cst.Call, ctx: Context) -> Value:
    callee = walker.evaluate(node.func, ctx)
    group = group_join(callee.meaning, node)
    if group is not None:
        return _waiting(walker, node, callee, _group(walker, node, group, ctx), ctx)
    mark = walker.facts.blocks.mark()
    value = call_value(walker, node, callee, read_given(walker, node, ctx), ctx)
    if is_followed(callee.meaning) and not isinstance(callee.meaning, Member):
        return value
    value = hold(walker, value, mark)
    if makes_task(node):
        for block in value.blocks:
            block.started = True
    return _waiting(walker, node, callee, value, ctx)


def _waiting(walker: Walker, node: cst.Call, callee: Value, value: Value, ctx: Context) -> Value:
    """What `asyncio.gather` and its kin give back must be awaited as a step must."""
    if ctx.in_step or not must_be_awaited(callee.meaning):
        return value
    return replace(value, pending=(_pend(walker, node, "group", ctx),))


def _group(walker: Walker, node: cst.Call, join: Join, ctx: Context) -> Value:
    """Steps that run at once. Of `gather` it is known which result comes from which."""
    blocks = walker.facts.blocks
    mark = blocks.mark()
    values = [hand_out(walker, one, ctx) for one in read_given(walker, node, ctx)]
    blocks.gather(ctx.frame.module, node, join, (*waiting(values), *blocks.loose(mark)))
    positional = [value for arg, value in zip(node.args, values, strict=False) if arg.keyword is None]
    is_plain = join in ("all", "settled") and not any(arg.star for arg in node.args)
    parts = tuple(value.plain() for value in positional) if is_plain else ()
    return Value(steps=union(values), parts=parts)


def call_value(walker: Walker, node: cst.CSTNode, callee: Value, given: tuple[Given, ...], ctx: Context) -> Value:
    """What a call of `callee` at `node` gives back; steps are noted on the way."""
    handler = _CALLS.get(type(callee.meaning))
    found = None if handler is None else handler(walker, node, callee.meaning, given, ctx)
    return _outside(walker, node, callee, given, ctx) if found is None else found


def _partial(walker: Walker, node: cst.CSTNode, partial: Partial, given: tuple[Given, ...], ctx: Context) -> Value:
    return call_value(walker, node, partial.callee, (*partial.given, *given), ctx)


def _reference(
    walker: Walker, _node: cst.CSTNode, reference: Reference, given: tuple[Given, ...], ctx: Context
) -> Value:
    return Value(Reference(reference.path, called=True), _hand_out_all(walker, given, ctx).steps)


def _member(walker: Walker, node: cst.CSTNode, member: Member, given: tuple[Given, ...], ctx: Context) -> Value:
    return _mixed(node, call_member(walker, member, given, node, ctx), ctx)


def _class(walker: Walker, node: cst.CSTNode, symbol: Symbol, given: tuple[Given, ...], ctx: Context) -> Value | None:
    if symbol.class_node is None or not isinstance(node, cst.BaseExpression):
        return None
    return construct(walker, symbol, given, node, ctx)


def _object(
    walker: Walker, node: cst.CSTNode, instance: Instance, given: tuple[Given, ...], ctx: Context
) -> Value | None:
    called = walker.attribute(Value(instance), "__call__", _callee_node(node), ctx).meaning
    return _helper(walker, node, called, given, ctx) if isinstance(called, FunctionValue) else None


def _outside(walker: Walker, node: cst.CSTNode, callee: Value, given: tuple[Given, ...], ctx: Context) -> Value:
    """A call of what is not followed."""
    where = _callee_node(node)
    name = outside_name(walker, where, callee, ctx)
    found = call_outside(walker, name, given, node, ctx) if name else None
    if found is not None:
        return found
    walker.escape(where, callee, ctx)
    handed = _hand_out_all(walker, given, ctx)
    value = Value(walker.fold(node, ctx), callee.steps | handed.steps, blocks=(*callee.blocks, *handed.blocks))
    return _mixed(node, value, ctx)


def _mixed(node: cst.CSTNode, value: Value, ctx: Context) -> Value:
    """`results.append(x)`: what goes in may come out."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        root = root_name(node.func)
        if root is not None:
            ctx.frame.mix(root, Value(steps=value.steps, blocks=value.blocks))
    return value


def _callee_node(node: cst.CSTNode) -> cst.BaseExpression:
    where = node.func if isinstance(node, cst.Call) else node
    assert isinstance(where, cst.BaseExpression)
    return where


def _any_of(walker: Walker, node: cst.CSTNode, choice: Choice, given: tuple[Given, ...], ctx: Context) -> Value:
    """A call of one of several things."""
    where = _callee_node(node)
    blocks = walker.facts.blocks
    is_branch = choice.around is None
    branch = blocks.begin("branch", ctx.frame.module, node) if is_branch else None
    values: list[Value] = []
    for index, option in enumerate(choice.options):
        if is_branch:
            _open_arm(walker, where, is_last=index == len(choice.options) - 1)
        values.append(call_value(walker, node, option, given, _one_way(ctx, choice, where, index)))
    if is_branch:
        blocks.end()
    waits = (branch,) if branch is not None and branch.is_loose else waiting(values)
    return replace(choose(values), steps=union(values), blocks=waits)


def _one_way(ctx: Context, choice: Choice, node: cst.CSTNode, index: int) -> Context:
    """Where the walker stands if one of several values is the one: in an arm, or in a turn of a loop over them."""
    if choice.around is not None:
        return replace(ctx, repeated=choice.around)
    return replace(ctx, optional=True, arms=(*ctx.arms, (node, frozenset({index}))))


def _method(walker: Walker, node: cst.CSTNode, method: Method, given: tuple[Given, ...], ctx: Context) -> Value | None:
    if not isinstance(node, cst.Call):
        return None
    if method.owner == "rpc":
        return _invoke(walker, node, given, ctx)
    if ctx.in_step:
        walker.facts.nested.append(Place(ctx.frame.module, node, f"workflow.{method.name}"))
        return _hand_out_all(walker, given, ctx)
    return _step(walker, node, method.name, given, ctx)


def _hand_out_all(walker: Walker, given: Iterable[Given], ctx: Context) -> Value:
    """What is behind arguments that go where nothing is followed."""
    values = [hand_out(walker, one, ctx) for one in given]
    return behind(values)


# --- helpers


def _helper(
    walker: Walker, node: cst.CSTNode, function: FunctionValue, given: tuple[Given, ...], ctx: Context
) -> Value:
    bound = bind(function, given)
    steps = union([one.value for one in given])
    if not walker.must_follow(function, bound.values):
        steps |= _hand_out_all(walker, bound.left, ctx).steps
        return Value(walker.folded_return(function, bound.values), steps)
    changed = Value(function) if function.raw else decorated(walker, function, ctx)
    if changed.meaning is not function:
        return call_value(walker, node, changed, given, ctx)
    if is_abstract(function):
        return _hand_out_all(walker, given, ctx)
    steps |= _hand_out_all(walker, bound.left, ctx).steps
    result = walker.enter(function, bound.values, node, ctx)
    is_async = not isinstance(function.node, cst.Lambda) and function.node.asynchronous is not None
    if not isinstance(node, cst.Call) or not (is_async or result.pending):
        return result
    for pending in result.pending:
        pending.taken = pending.awaited = True  # or it is this call that nobody awaits
    pending = _pend(walker, node, "helper", ctx)
    return Value(result.meaning, result.steps, (pending,), result.held, blocks=result.blocks)


def _pend(walker: Walker, node: cst.Call, kind: Any, ctx: Context) -> Pending:
    return walker.facts.pending.setdefault(node, Pending(ctx.frame.module, node, kind))


def _go_on(
    walker: Walker, node: cst.CSTNode, _proceed: Proceed, _given: tuple[Given, ...], ctx: Context
) -> Value | None:
    return Value(pending=(_pend(walker, node, "rest", ctx),)) if isinstance(node, cst.Call) else None


# --- rpc.invoke


def _invoke(walker: Walker, node: cst.Call, given: tuple[Given, ...], ctx: Context) -> Value:
    first = given[0] if given and not given[0].star else None
    meaning = first.value.meaning if first is not None else None
    name: str | None = None
    if isinstance(meaning, Reference):
        name = meaning.path
    elif isinstance(meaning, Constant) and isinstance(meaning.value, str):
        name = meaning.value
    is_reference = isinstance(meaning, Reference)
    written = (_own_node(first, ctx) if first is not None else None) or node
    if is_reference and isinstance(written, cst.Call):
        written = written.func
    invoke = Invoke(Place(ctx.frame.module, written), node, name, is_reference)
    walker.facts.invokes.append(invoke)
    steps = _hand_out_all(walker, given, ctx).steps
    block = walker.facts.blocks.leaf("invoke", ctx.frame.module, node)
    block.invoke, block.waits = invoke, True
    return Value(steps=steps, pending=(_pend(walker, node, "invoke", ctx),), blocks=(block,))


# --- steps


def _step(walker: Walker, node: cst.Call, method: str, given: tuple[Given, ...], ctx: Context) -> Value:
    positional = list(takewhile(lambda one: one.star != "*", [one for one in given if one.keyword is None]))
    positional = [one for one in positional if not one.star]
    first, second = [*positional, None, None][:2]
    name = NOTHING if first is None else first.value
    name_node = None if first is None else _own_node(first, ctx)
    target = NOTHING if second is None else second.value
    target_node = None if second is None else _own_node(second, ctx)
    rest = [one for one in given if one is not first and one is not second]
    form = Form(STEP_METHODS[method])
    if method == "do":
        has_data = len(positional) > 2 or any(one.star == "*" for one in given)
        form = read_form(walker, target_node or (node if second else None), target, has_data=has_data, ctx=ctx)
    uses = target.steps | _hand_out_all(walker, rest, ctx).steps
    if method != "do" and second is not None:
        uses |= _hand_out_all(walker, [second], ctx).steps
    elif form.type == "inline":
        uses |= _step_functions(walker, target, target_node or node, ctx)
    else:
        walker.escape(target_node or node, target, ctx)
    written = Written(node, name_node, target_node, method, given)
    steps, block = _noted(walker, written, name, form, ctx)
    for step in steps:
        step.uses |= uses - set(steps)
    return Value(steps=frozenset(steps), pending=(_pend(walker, node, "step", ctx),), blocks=(block,))


def _noted(walker: Walker, written: Written, name: Value, form: Form, ctx: Context) -> tuple[list[FoundStep], Block]:
    """The step, or one for each of several names."""
    names = name.options if _are_texts(name) else (replace(name, meaning=None),)
    choice = name.meaning
    if not isinstance(choice, Choice) or len(names) == 1:
        return _leaf(walker, written, names[0].meaning, form, ctx)
    blocks = walker.facts.blocks
    where = written.name or written.call
    branch = blocks.begin("branch", ctx.frame.module, written.call)
    steps: list[FoundStep] = []
    for index, option in enumerate(names):
        _open_arm(walker, where, is_last=index == len(names) - 1)
        steps += _leaf(walker, written, option.meaning, form, _one_way(ctx, choice, where, index))[0]
    blocks.end()
    return steps, branch


def _leaf(
    walker: Walker, written: Written, meaning: Meaning, form: Form, ctx: Context
) -> tuple[list[FoundStep], Block]:
    step = _note(walker, written, meaning, form, ctx)
    block = walker.facts.blocks.leaf("step", ctx.frame.module, written.call)
    block.step, block.waits = step, True
    return [step], block


def _open_arm(walker: Walker, decided_by: cst.CSTNode, *, is_last: bool) -> None:
    """An arm for one of several values that an expression may have."""
    if is_last:
        walker.facts.blocks.arm("else")
    else:
        walker.facts.blocks.arm("then", decided_by)


def _are_texts(name: Value) -> bool:
    return all(isinstance(option.meaning, Constant | Template) for option in name.options)


def _own_node(given: Given, ctx: Context) -> cst.BaseExpression | None:
    """Where an argument is written, if that is in the file of the call."""
    return given.node if given.module is ctx.frame.module else None


@dataclass(frozen=True)
class Written:
    """A call that makes a step, as it is written."""

    call: cst.Call
    name: cst.BaseExpression | None
    target: cst.BaseExpression | None
    method: str
    given: tuple[Given, ...]


def _step_functions(walker: Walker, target: Value, node: cst.CSTNode, ctx: Context) -> frozenset[FoundStep]:
    """Walk the functions that an inline step may run."""
    steps: frozenset[FoundStep] = frozenset()
    for option in target.options:
        meaning = option.meaning
        if isinstance(meaning, Partial):
            for one in meaning.given:
                _keep(one.value)
        if isinstance(meaning, FunctionValue):
            steps |= _step_function(walker, meaning, node, ctx)
        elif is_live(option):
            steps |= call_value(walker, node, option, (), replace(ctx, in_step=True)).steps
    return steps


def _step_function(walker: Walker, function: FunctionValue, node: cst.CSTNode, ctx: Context) -> frozenset[FoundStep]:
    """Walk the function of an inline step, for what it invokes; the steps whose results it captures."""
    walker.mark_run_by_step(function)
    arguments = bind(function, ()).values
    if walker.must_follow(function, arguments):
        blocks = walker.facts.blocks
        blocks.begin("function", ctx.frame.module, node)  # what a step does inside is none of the workflow's graph
        blocks.arm("body")
        walker.enter(function, arguments, node, replace(ctx, in_step=True))
        blocks.end()
        blocks.discard()
    if function.closure is None:
        return frozenset()
    captured = [function.closure.find(name) for name in sorted(_captured_names(function.node))]
    for value in captured:
        if value is not None:
            _keep(value)
    return union(value for value in captured if value is not None)


def _keep(value: Value) -> None:
    """A step's function has a value, and cannot await what belongs to the workflow."""
    for pending in value.owed:
        pending.misused = True


def _captured_names(node: cst.FunctionDef | cst.Lambda) -> set[str]:
    """The names that a function may take from around it, those in the defaults of its parameters included."""
    params = parameters(node)
    defaults = [param.default for param in params if param.default is not None]
    used = {part.value for part in walk_cst(node.body) if isinstance(part, cst.Name)}
    used -= {param.name.value for param in params}
    return used | {part.value for one in defaults for part in walk_cst(one) if isinstance(part, cst.Name)}


def _note(walker: Walker, written: Written, meaning: Meaning, form: Form, ctx: Context) -> FoundStep:
    literal, pattern = _step_name(meaning)
    node = written.call
    known = _known_step(walker, node, literal, pattern)
    if known is not None:
        _meet_again(walker, known, node, ctx)
        return known
    step = FoundStep(
        module=ctx.frame.module,
        call=node,
        form=form,
        name=literal,
        pattern=pattern,
        name_node=written.name,
        target_node=_named_target(written.target, form),
        description=_description(written.given),
        options=_options(written, _lookup(walker, ctx)),
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
    if walker.again:
        step.repeated = True
        return
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


def _description(given: tuple[Given, ...]) -> str | None:
    for one in given:
        if one.keyword == "description":
            known = one.value.meaning if isinstance(one.value.meaning, Constant) else None
            is_text = known is not None and isinstance(known.value, str | None)
            return cast("str | None", known.value) if known is not None and is_text else DYNAMIC
    return DYNAMIC if any(one.star == "**" for one in given) else None


def _options(written: Written, lookup: Lookup) -> dict[str, Any]:
    call = written.call.with_changes(args=[_plain_argument(one) for one in written.given if one.keyword is not None])
    options = execution_options(call, lookup)
    duration = written.target or keyword_argument(call, "duration")
    if written.method == "sleep" and duration is not None:
        options["duration"] = seconds(duration, lookup)
    return options


def _plain_argument(given: Given) -> cst.Arg:
    """An argument by keyword as it is written; one that came through a mapping, as the constant that it is."""
    node = given.node
    meaning = given.value.meaning
    if not given.direct:
        known = isinstance(meaning, Constant) and isinstance(meaning.value, str | int | float | None)
        node = cst.parse_expression(repr(meaning.value)) if known and isinstance(meaning, Constant) else cst.Ellipsis()
    return cst.Arg(node, keyword=cst.Name(given.keyword or ""))


_CALLS: dict[type, Callable[..., Value | None]] = {
    Method: _method,
    Reference: _reference,
    FunctionValue: _helper,
    Partial: _partial,
    Proceed: _go_on,
    Choice: _any_of,
    Member: _member,
    Symbol: _class,
    Instance: _object,
}

HANDLERS: dict[type[cst.CSTNode], Any] = {cst.Call: _call}
