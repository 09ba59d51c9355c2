"""Where the result of a call is used as if the call had been awaited.

`user = workflow.do(...)` is fine as long as someone awaits `user` or hands it on. Reading `user.email`, putting `user`
into a text, a sum or the data of a step, or giving it where a plain value is asked for, is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.folding import chain_terms
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.plain_type import PLAIN_BUILTINS, is_plain
from pyflow_inspector.steps.value import FunctionValue, Reference
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.fact import Pending
    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker

_COROUTINE_METHODS = {"close", "send", "throw"}
_AWAITING = {"as_completed", "create_task", "ensure_future", "gather", "shield", "wait", "wait_for"}
_FILLING = {"add", "append", "appendleft", "insert", "setdefault"}
_IDENTITY = (cst.Is, cst.IsNot, cst.In, cst.NotIn, cst.Equal, cst.NotEqual)


def note_misuse(walker: Walker, node: cst.CSTNode, ctx: Context) -> None:
    """Note what an expression or a `return` that has just been walked takes for results."""
    find = _SPENT.get(type(node))
    if find is not None:
        _spend_all(walker, find(walker, node, ctx), ctx)


def note_names(walker: Walker, node: cst.CSTNode, ctx: Context) -> None:
    """Note which names a statement that is about to be walked takes for results: in its body they may be others."""
    for test in _TESTED.get(type(node), _none)(node):
        if isinstance(test, cst.Name):
            _spend_test(test, ctx)
    for part in _ITERATED.get(type(node), _none)(node):
        if isinstance(part, cst.Name):
            _spend(walker, part, ctx)


def note_calls(walker: Walker, node: cst.CSTNode, ctx: Context) -> None:
    """Note which calls a statement that has just been walked takes for results."""
    parts = (*_TESTED.get(type(node), _none)(node), *_ITERATED.get(type(node), _none)(node))
    _spend_all(walker, (part for part in parts if isinstance(part, cst.Call)), ctx)


def _none(_: object) -> Iterable[cst.BaseExpression]:
    return ()


def _spend_all(walker: Walker, parts: Iterable[cst.BaseExpression], ctx: Context) -> None:
    for part in parts:
        _spend(walker, part, ctx)


def _spend(walker: Walker, part: cst.BaseExpression, ctx: Context) -> None:
    if isinstance(part, cst.Call):
        found = walker.facts.pending.get(part)
        if found is not None:
            found.taken = False
    for pending in _behind(part, ctx):
        pending.misused = True


def _behind(part: cst.BaseExpression, ctx: Context) -> tuple[Pending, ...]:
    """The calls that a name stands for."""
    value = ctx.frame.find(part.value) if isinstance(part, cst.Name) else None
    return () if value is None else value.pending


def _store(walker: Walker, part: cst.BaseExpression, ctx: Context) -> cst.BaseExpression:
    """Note that a value is kept: what was put into it will not be awaited any more."""
    for pending in _held(walker, part, ctx):
        pending.misused = True
    return part


def _spend_test(part: cst.Name, ctx: Context) -> None:
    """`if task:` may ask whether there is a task: it is a mistake only if nobody takes the task elsewhere."""
    for pending in _behind(part, ctx):
        pending.tests += 1


def _note_awaited(walker: Walker, part: cst.BaseExpression, ctx: Context) -> None:
    for pending in (*_behind(part, ctx), *_held(walker, part, ctx)):
        pending.awaited = True


def _held(walker: Walker, part: cst.BaseExpression, ctx: Context) -> list[Pending]:
    """What was put into the container that a name stands for."""
    if not isinstance(part, cst.Name):
        return []
    return walker.facts.held.get((id(ctx.frame), part.value), [])


def _hold(walker: Walker, container: cst.Name, part: cst.BaseExpression, ctx: Context) -> None:
    call = walker.facts.pending.get(part) if isinstance(part, cst.Call) else None
    for pending in (*_behind(part, ctx), *([call] if call is not None else ())):
        walker.facts.held.setdefault((id(ctx.frame), container.value), []).append(pending)


def _tests(node: cst.If) -> Iterable[cst.BaseExpression]:
    branch: cst.If | cst.Else | None = node
    while isinstance(branch, cst.If):
        yield branch.test
        branch = branch.orelse


# --- what takes a result


def _test(node: cst.While) -> Iterable[cst.BaseExpression]:
    return (node.test,)


def _iterated(node: cst.For) -> Iterable[cst.BaseExpression]:
    return (node.iter,) if node.asynchronous is None else ()


def _matched(node: cst.Match) -> Iterable[cst.BaseExpression]:
    return (node.subject,)


def _of_await(walker: Walker, node: cst.Await, ctx: Context) -> Iterator[cst.BaseExpression]:
    _note_awaited(walker, node.expression, ctx)
    yield from ()


def _of_attribute(_walker: Walker, node: cst.Attribute, _ctx: Context) -> Iterator[cst.BaseExpression]:
    if node.attr.value not in _COROUTINE_METHODS:
        yield node.value


def _of_subscript(_walker: Walker, node: cst.Subscript, _ctx: Context) -> Iterator[cst.BaseExpression]:
    yield node.value
    yield from (one.slice.value for one in node.slice if isinstance(one.slice, cst.Index))


def _of_sum(_walker: Walker, node: cst.BinaryOperation, _ctx: Context) -> Iterator[cst.BaseExpression]:
    yield from chain_terms(node)


def _of_unary(_walker: Walker, node: cst.UnaryOperation, ctx: Context) -> Iterator[cst.BaseExpression]:
    if isinstance(node.operator, cst.Not) and isinstance(node.expression, cst.Name):
        _spend_test(node.expression, ctx)
    else:
        yield node.expression


def _of_comparison(_walker: Walker, node: cst.Comparison, _ctx: Context) -> Iterator[cst.BaseExpression]:
    parts = [node.left, *(one.comparator for one in node.comparisons)]
    names = not any(isinstance(one.operator, _IDENTITY) for one in node.comparisons)
    yield from (part for part in parts if names or isinstance(part, cst.Call))


def _of_text(_walker: Walker, node: cst.FormattedStringExpression, _ctx: Context) -> Iterator[cst.BaseExpression]:
    yield node.expression


def _of_choice(_walker: Walker, node: cst.IfExp | cst.Assert, ctx: Context) -> Iterator[cst.BaseExpression]:
    yield from _of_condition(node.test, ctx)


def _of_either(_walker: Walker, node: cst.BooleanOperation, ctx: Context) -> Iterator[cst.BaseExpression]:
    yield from _of_condition(node.left, ctx)


def _of_condition(test: cst.BaseExpression, ctx: Context) -> Iterator[cst.BaseExpression]:
    if isinstance(test, cst.Name):
        _spend_test(test, ctx)
    else:
        yield test


def _of_call(walker: Walker, node: cst.Call, ctx: Context) -> Iterator[cst.BaseExpression]:
    pending = walker.facts.pending.get(node)
    if pending is not None and pending.kind != "helper":
        given = [arg.value for arg in node.args if arg.keyword is None and not arg.star]
        yield from (_store(walker, one, ctx) for one in given[1 if pending.kind == "invoke" else 2 :])
        return
    name = node.func if isinstance(node.func, cst.Name | cst.Attribute) else None
    if (dotted_name(node.func) or "").rpartition(".")[2] in _AWAITING:
        for arg in node.args:
            _note_awaited(walker, arg.value, ctx)
        return
    if isinstance(name, cst.Name) and name.value in PLAIN_BUILTINS and _is_builtin(walker, name, ctx):
        yield from (arg.value for arg in node.args if not arg.star)
        return
    if isinstance(node.func, cst.Attribute) and isinstance(node.func.value, cst.Name):
        yield from _of_filling(walker, node, node.func.value, node.func.attr.value, ctx)
    value = None if name is None else walker.named(name, ctx)
    meaning = None if value is None else value.meaning
    if isinstance(meaning, Reference):
        yield from (_store(walker, arg.value, ctx) for arg in node.args)
    elif isinstance(meaning, FunctionValue):
        yield from _plain_arguments(walker, node, meaning.module, _parameter_types(meaning))
    elif isinstance(meaning, Symbol) and meaning.class_node is not None:
        yield from (_store(walker, one, ctx) for one in _of_construction(walker, node, meaning))


def _of_filling(
    walker: Walker, node: cst.Call, container: cst.Name, method: str, ctx: Context
) -> Iterator[cst.BaseExpression]:
    """`results.append(result)`: a mistake if `results` is said to hold plain values, or is given away as it is."""
    if method in _FILLING:
        yield from _put(walker, container, [arg.value for arg in node.args], ctx)


def _of_item(walker: Walker, node: cst.Assign, ctx: Context) -> Iterator[cst.BaseExpression]:
    for target in node.targets:
        if isinstance(target.target, cst.Subscript) and isinstance(target.target.value, cst.Name):
            yield from _put(walker, target.target.value, [node.value], ctx)


def _of_extension(walker: Walker, node: cst.AugAssign, ctx: Context) -> Iterator[cst.BaseExpression]:
    """`total += result`, and `results += [result]`, which is `results.append(result)`."""
    if isinstance(node.value, cst.List | cst.Tuple) and isinstance(node.target, cst.Name):
        yield from _put(walker, node.target, [element.value for element in node.value.elements], ctx)
    else:
        yield node.value


def _put(
    walker: Walker, container: cst.Name, parts: list[cst.BaseExpression], ctx: Context
) -> Iterator[cst.BaseExpression]:
    value = ctx.frame.find(container.value)
    annotation = None if value is None else value.annotation
    if annotation is not None and is_plain(walker.project, ctx.frame.module, annotation):
        yield from (part for part in parts if isinstance(part, cst.Name | cst.Call))
    for part in parts:
        _hold(walker, container, part, ctx)


def _is_builtin(walker: Walker, name: cst.Name, ctx: Context) -> bool:
    return ctx.frame.find(name.value) is None and walker.project.resolve(ctx.frame.module, name.value) is None


Types = dict[str, "cst.BaseExpression | None"]


def _parameter_types(function: FunctionValue) -> Types:
    params = function.node.params
    ordered = [*params.posonly_params, *params.params][1 if function.receiver is not None else 0 :]
    types: Types = {}
    for param in (*ordered, *params.kwonly_params):
        types[param.name.value] = None if param.annotation is None else param.annotation.annotation
    return types


def _of_construction(walker: Walker, node: cst.Call, symbol: Symbol) -> Iterator[cst.BaseExpression]:
    """The fields of a model, a data class or the like; a class that makes itself may do what it likes."""
    module = walker.project.defining_module(symbol)
    assert symbol.class_node is not None
    lines = [line for line in symbol.class_node.body.body if isinstance(line, cst.SimpleStatementLine)]
    types: Types = {
        one.target.value: one.annotation.annotation
        for line in lines
        for one in line.body
        if isinstance(one, cst.AnnAssign) and isinstance(one.target, cst.Name)
    }
    if module is not None and "__init__" not in walker.project.class_table(symbol).bindings:
        inherits = bool(symbol.class_node.bases)  # whose fields come first
        yield from _plain_arguments(walker, node, module, types, by_name_only=inherits)


def _plain_arguments(
    walker: Walker, node: cst.Call, module: Module, types: Types, *, by_name_only: bool = False
) -> Iterator[cst.BaseExpression]:
    """The arguments for which a plain value is asked."""
    names = [] if by_name_only else list(types)
    for index, arg in enumerate(node.args):
        if arg.star:
            return
        name = arg.keyword.value if arg.keyword is not None else names[index] if index < len(names) else ""
        annotation = types.get(name)
        may_wait = isinstance(arg.value, cst.Name | cst.Call)
        if may_wait and annotation is not None and is_plain(walker.project, module, annotation):
            yield arg.value


def _of_return(walker: Walker, node: cst.Return, ctx: Context) -> Iterator[cst.BaseExpression]:
    function = ctx.frame.node
    if node.value is None or not isinstance(function, cst.FunctionDef) or function.asynchronous is None:
        return
    is_wired = len(ctx.active) == 1
    yield from (_store(walker, one, ctx) for one in _parts(node.value)) if is_wired else (node.value,)


def _parts(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """What a result consists of; it is stored, and nobody can await what is in it."""
    if isinstance(node, cst.List | cst.Tuple | cst.Set):
        for element in node.elements:
            yield from _parts(element.value)
    elif isinstance(node, cst.Dict):
        for item in node.elements:
            yield from _parts(item.value)
    else:
        yield node


_SPENT: dict[type[cst.CSTNode], Callable[..., Iterator[cst.BaseExpression]]] = {
    cst.Await: _of_await,
    cst.Attribute: _of_attribute,
    cst.Subscript: _of_subscript,
    cst.BinaryOperation: _of_sum,
    cst.UnaryOperation: _of_unary,
    cst.Comparison: _of_comparison,
    cst.FormattedStringExpression: _of_text,
    cst.IfExp: _of_choice,
    cst.BooleanOperation: _of_either,
    cst.Call: _of_call,
    cst.Assign: _of_item,
    cst.AugAssign: _of_extension,
    cst.Assert: _of_choice,
    cst.Return: _of_return,
}
_TESTED: dict[type[cst.CSTNode], Callable[..., Iterable[cst.BaseExpression]]] = {
    cst.If: _tests,
    cst.While: _test,
}
_ITERATED: dict[type[cst.CSTNode], Callable[..., Iterable[cst.BaseExpression]]] = {
    cst.For: _iterated,
    cst.Match: _matched,
}
