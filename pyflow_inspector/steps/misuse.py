"""Where the result of a call is used as if the call had been awaited.

`user = workflow.do(...)` is fine as long as someone awaits `user` or hands it on. Reading `user.email`, putting `user`
into a text, a sum or the data of a step, or giving it where a plain value is asked for, is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.folding import Constant, Template, chain_terms
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.plain_type import PLAIN_BUILTINS, is_plain
from pyflow_inspector.steps.spending import (
    behind,
    hold_in,
    note_awaited,
    spend,
    spend_all,
    spend_elements,
    spend_test,
    store,
)
from pyflow_inspector.steps.value import FunctionValue, Reference
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.fact import Pending
    from pyflow_inspector.steps.value import Context, Meaning
    from pyflow_inspector.steps.walker import Walker

_COROUTINE_METHODS = {"close", "send", "throw"}
"""What a call that nobody has awaited can be asked for all the same."""
_FUTURE_METHODS = {
    "add_done_callback", "cancel", "cancelled", "done", "exception", "get_loop", "remove_done_callback", "result",
}  # fmt: skip
_AWAITING = {"as_completed", "create_task", "ensure_future", "gather", "shield", "wait", "wait_for"}
_CONSUMING = {"all", "any", "max", "min", "sorted", "sum"}
"""Builtins that look at each element of what they are given."""
_PLAIN_MODULES = {
    "base64", "binascii", "datetime", "decimal", "fractions", "hashlib", "hmac", "html", "json", "math", "pathlib",
    "re", "shlex", "statistics", "string", "struct", "textwrap", "unicodedata", "urllib", "uuid", "zoneinfo",
}  # fmt: skip
"""Modules that make values of values."""
_TAKING = PLAIN_BUILTINS | _CONSUMING | {"zip"}
_FILLING = {"add", "append", "appendleft", "insert", "setdefault"}
_IDENTITY = (cst.Is, cst.IsNot)
_EQUALITY = (cst.In, cst.NotIn, cst.Equal, cst.NotEqual)
"""One call may be asked whether it is another, but not whether it is a text."""
_TEXT = (cst.SimpleString, cst.ConcatenatedString, cst.FormattedString)


def may_ask(pending: Pending, name: str) -> bool:
    """Whether a call that nobody has awaited has an attribute: `gather` gives a future."""
    return name in _COROUTINE_METHODS or (pending.kind == "group" and name in _FUTURE_METHODS)


def note_misuse(walker: Walker, node: cst.CSTNode, ctx: Context) -> None:
    """Note what an expression or a `return` that has just been walked takes for results."""
    find = _SPENT.get(type(node))
    if find is not None:
        spend_all(walker, find(walker, node, ctx), ctx)


def note_names(walker: Walker, node: cst.CSTNode, ctx: Context) -> None:
    """Note which names a statement that is about to be walked takes for results: in its body they may be others."""
    for test in _TESTED.get(type(node), _none)(node):
        if isinstance(test, cst.Name):
            spend_test(test, ctx)
    for part in _ITERATED.get(type(node), _none)(node):
        if isinstance(part, cst.Name):
            spend(walker, part, ctx)


def note_iterated(walker: Walker, clause: cst.CompFor, ctx: Context) -> None:
    """Note that what a comprehension goes through is taken for a result."""
    if clause.asynchronous is None:
        spend(walker, clause.iter, ctx)


def note_calls(walker: Walker, node: cst.CSTNode, ctx: Context) -> None:
    """Note which calls a statement that has just been walked takes for results."""
    parts = (*_TESTED.get(type(node), _none)(node), *_ITERATED.get(type(node), _none)(node))
    spend_all(walker, (part for part in parts if isinstance(part, cst.Call)), ctx)


def _none(_: object) -> Iterable[cst.BaseExpression]:
    return ()


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
    if node.expression not in walker.facts.pending:  # those that are have been told of it
        note_awaited(node.expression, ctx)
    yield from ()


def _of_attribute(walker: Walker, node: cst.Attribute, ctx: Context) -> Iterator[cst.BaseExpression]:
    call = walker.facts.pending.get(node.value) if type(node.value) is cst.Call else None
    owed = behind(node.value, ctx) if call is None else (call,)
    if not any(may_ask(pending, node.attr.value) for pending in owed):
        yield node.value


def _of_subscript(_walker: Walker, node: cst.Subscript, _ctx: Context) -> Iterator[cst.BaseExpression]:
    yield node.value
    yield from (one.slice.value for one in node.slice if isinstance(one.slice, cst.Index))


def _of_sum(_walker: Walker, node: cst.BinaryOperation, _ctx: Context) -> Iterator[cst.BaseExpression]:
    yield from chain_terms(node)


def _of_unary(_walker: Walker, node: cst.UnaryOperation, ctx: Context) -> Iterator[cst.BaseExpression]:
    if isinstance(node.operator, cst.Not) and isinstance(node.expression, cst.Name):
        spend_test(node.expression, ctx)
    else:
        yield node.expression


def _of_comparison(walker: Walker, node: cst.Comparison, ctx: Context) -> Iterator[cst.BaseExpression]:
    operators = [one.operator for one in node.comparisons]
    parts = [node.left, *(one.comparator for one in node.comparisons)]
    if any(isinstance(one, _IDENTITY) for one in operators):
        names = False
    elif any(isinstance(one, _EQUALITY) for one in operators):
        names = any(_is_written_out(walker, part, ctx) for part in parts)
    else:
        names = True
    yield from (part for part in parts if names or not isinstance(part, cst.Name))


def _is_written_out(walker: Walker, part: cst.BaseExpression, ctx: Context) -> bool:
    """Whether a value is a text or a number, or several such: no call that nobody has awaited equals it."""
    if isinstance(part, cst.List | cst.Tuple | cst.Set):
        return any(_is_written_out(walker, one.value, ctx) for one in part.elements)
    folded = walker.fold(part, ctx)
    return isinstance(folded, Template) or (isinstance(folded, Constant) and folded.value is not None)


def _of_text(_walker: Walker, node: cst.FormattedStringExpression, _ctx: Context) -> Iterator[cst.BaseExpression]:
    yield node.expression


def _of_choice(_walker: Walker, node: cst.IfExp | cst.Assert, ctx: Context) -> Iterator[cst.BaseExpression]:
    yield from _of_condition(node.test, ctx)


def _of_either(_walker: Walker, node: cst.BooleanOperation, ctx: Context) -> Iterator[cst.BaseExpression]:
    yield from _of_condition(node.left, ctx)


def _of_condition(test: cst.BaseExpression, ctx: Context) -> Iterator[cst.BaseExpression]:
    if isinstance(test, cst.Name):
        spend_test(test, ctx)
    else:
        yield test


def _of_call(walker: Walker, node: cst.Call, ctx: Context) -> Iterator[cst.BaseExpression]:
    pending = walker.facts.pending.get(node)
    if pending is not None and pending.kind in ("step", "invoke"):
        given = [arg.value for arg in node.args if arg.keyword is None and not arg.star]
        for one in given[1 if pending.kind == "invoke" else 2 :]:
            yield from store(walker, one, ctx)
        return
    name = node.func if isinstance(node.func, cst.Name | cst.Attribute) else None
    if (dotted_name(node.func) or "").rpartition(".")[2] in _AWAITING:
        for arg in node.args:
            note_awaited(arg.value, ctx)
        return
    if isinstance(name, cst.Name) and name.value in _TAKING and _is_builtin(walker, name, ctx):
        yield from _of_builtin(walker, node, name.value, ctx)
        return
    if isinstance(node.func, cst.Attribute):
        yield from _of_method(walker, node, node.func, ctx)
    value = None if name is None else walker.named(name, ctx)
    yield from _of_callee(walker, node, None if value is None else value.meaning, ctx)


def _of_builtin(walker: Walker, node: cst.Call, name: str, ctx: Context) -> Iterator[cst.BaseExpression]:
    for arg in node.args:
        if name in _CONSUMING and all(one.keyword is None for one in node.args):  # a key looks at something else
            spend_elements(walker, arg.value, ctx)
        if not arg.star:
            yield arg.value


def _of_method(walker: Walker, node: cst.Call, method: cst.Attribute, ctx: Context) -> Iterator[cst.BaseExpression]:
    if type(method.value) in _TEXT:
        for arg in node.args:
            spend_elements(walker, arg.value, ctx)
            yield arg.value
    elif type(method.value) is cst.Name:
        yield from _of_filling(walker, node, method.value, method.attr.value, ctx)


def _of_callee(walker: Walker, node: cst.Call, meaning: Meaning, ctx: Context) -> Iterator[cst.BaseExpression]:
    if isinstance(meaning, Reference):
        for arg in node.args:
            yield from store(walker, arg.value, ctx)
    elif isinstance(meaning, FunctionValue):
        yield from _plain_arguments(walker, node.args, meaning.module, _parameter_types(meaning))
    elif isinstance(meaning, Symbol) and meaning.class_node is not None:
        for one in _of_construction(walker, node, meaning):
            yield from store(walker, one, ctx)
    elif isinstance(meaning, Symbol) and meaning.dotted.partition(".")[0] in _PLAIN_MODULES:
        yield from (arg.value for arg in node.args if not arg.star)
    else:
        yield from _of_handed_function(walker, node, ctx)


def _of_handed_function(walker: Walker, node: cst.Call, ctx: Context) -> Iterator[cst.BaseExpression]:
    """`stack.push_async_callback(undo, entry)`: what follows a function is what it will be called with."""
    for index, arg in enumerate(node.args[:-1]):
        value = walker.named(arg.value, ctx) if isinstance(arg.value, cst.Name | cst.Attribute) else None
        if value is not None and isinstance(value.meaning, FunctionValue):
            types = _parameter_types(value.meaning)
            yield from _plain_arguments(walker, node.args[index + 1 :], value.meaning.module, types)
            return


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
        hold_in(walker, container, part, ctx)


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
        yield from _plain_arguments(walker, node.args, module, types, by_name_only=inherits)


def _plain_arguments(
    walker: Walker, args: Sequence[cst.Arg], module: Module, types: Types, *, by_name_only: bool = False
) -> Iterator[cst.BaseExpression]:
    """The arguments for which a plain value is asked."""
    names = [] if by_name_only else list(types)
    for index, arg in enumerate(args):
        if arg.star:
            return
        name = arg.keyword.value if arg.keyword is not None else names[index] if index < len(names) else ""
        annotation = types.get(name)
        may_wait = isinstance(arg.value, cst.Name | cst.Call)
        if may_wait and annotation is not None and is_plain(walker.project, module, annotation):
            yield arg.value


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
}
_TESTED: dict[type[cst.CSTNode], Callable[..., Iterable[cst.BaseExpression]]] = {
    cst.If: _tests,
    cst.While: _test,
}
_ITERATED: dict[type[cst.CSTNode], Callable[..., Iterable[cst.BaseExpression]]] = {
    cst.For: _iterated,
    cst.Match: _matched,
}
