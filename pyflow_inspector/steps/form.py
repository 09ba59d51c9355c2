"""Which form a step has, told by its second argument: an RPC, or a function that the orchestrator calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pyflow_core.naming import DYNAMIC
from pyflow_inspector.annotation import refers_to
from pyflow_inspector.folding import Constant, Template
from pyflow_inspector.module_table import Assigned
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.fact import Form
from pyflow_inspector.steps.instance import find_function
from pyflow_inspector.steps.value import Choice, FunctionValue, Instance, Meaning, Method, Partial, Reference, Value
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker

_CALLABLE_TYPES = {"Callable", "Coroutine", "Awaitable"}


def read_form(walker: Walker, node: cst.BaseExpression | None, value: Value, *, has_data: bool, ctx: Context) -> Form:
    """The form of a `do`. Where the target is not known for certain it is taken for an RPC, and says why."""
    if node is None:
        return _unknown("nothing says what this step does")
    form = _form_of_meaning(walker, value.meaning, has_data=has_data)
    return form or _form_of_expression(walker, node, value, ctx, has_data=has_data)


def _form_of_expression(
    walker: Walker, node: cst.BaseExpression, value: Value, ctx: Context, *, has_data: bool
) -> Form:
    """The form of a value that is not known: by the way it is written, by its annotation."""
    module = ctx.frame.module
    if isinstance(node, cst.Call):
        return _form_of_call(walker, node, module)
    if isinstance(node, cst.Attribute):
        return _form_of_attribute(walker, node, value, module, has_data=has_data)
    if value.annotation is not None:
        return _form_of_annotation(walker, value.annotation, module)
    if isinstance(node, cst.Name) and ctx.frame.find(node.value) is None and not has_data:
        return Form("inline")  # a builtin such as `dict`
    return _unknown("its value cannot be followed")


def _form_of_meaning(walker: Walker, meaning: Meaning, *, has_data: bool) -> Form | None:
    """The form that a value has by itself, if it is known what it is."""
    match meaning:
        case Constant(value=str() as name):
            form: Form | None = Form("rpc", str(name))
        case Constant(value=value):
            form = _unknown(f"{_text_of(value)} is no RPC and no function")
        case Template():
            form = _unknown("the RPC's name is put together at run time")
        case Reference(path=path, called=called):
            problem = None if called else "the reference must be called with its data"
            form = Form("rpc", path, is_reference=True, problem=problem)
        case FunctionValue():
            form = Form("inline", function=meaning)
        case Method() | Partial():
            form = Form("inline")
        case Choice():
            form = _form_of_choice(walker, meaning, has_data=has_data)
        case Instance():
            form = _form_of_object(walker, meaning)
        case Symbol():
            form = _form_of_symbol(walker, meaning, has_data=has_data)
        case _:
            form = None
    return form


def _text_of(value: object) -> str:
    """A constant as a finding shows it; Python gives long integers no decimal text."""
    return hex(value) if isinstance(value, int) and value.bit_length() > 64 else repr(value)


def _form_of_choice(walker: Walker, choice: Choice, *, has_data: bool) -> Form | None:
    """One of several: they agree in what is done, or that cannot be told."""
    forms = [_form_of_meaning(walker, option.meaning, has_data=has_data) for option in choice.options]
    first = forms[0]
    if first is not None and all(one is not None and one.type == first.type == "inline" for one in forms):
        return Form("inline")
    return _unknown("it may be one of several")


def _form_of_object(walker: Walker, instance: Instance) -> Form | None:
    if instance.symbol is None:
        return None
    function = find_function(walker, instance.symbol, "__call__")
    return None if function is None else Form("inline", function=function)


def _unknown(problem: str) -> Form:
    return Form("rpc", DYNAMIC, problem=problem)


def _form_of_symbol(walker: Walker, symbol: Symbol, *, has_data: bool) -> Form:
    if symbol.class_node is not None:
        return Form("inline")
    if isinstance(symbol.definition, Assigned):
        value = symbol.definition.value
        module = walker.project.defining_module(symbol)
        if isinstance(value, cst.Lambda):
            return Form("inline")
        if isinstance(value, cst.Call) and module is not None:
            return _form_of_call(walker, value, module)
        return _unknown("its value cannot be followed")
    if has_data:
        return _unknown(f"{symbol.dotted} lies outside the project")
    return Form("inline")


def _form_of_call(walker: Walker, node: cst.Call, module: Module) -> Form:
    symbol = walker.project.resolve_node(module, node.func)
    if symbol is not None and symbol.dotted == "functools.partial":
        return Form("inline")
    if symbol is not None and symbol.function is not None and symbol.function.returns is not None:
        home = walker.project.defining_module(symbol)
        assert home is not None
        return _form_of_annotation(walker, symbol.function.returns.annotation, home)
    return _unknown("what the call returns cannot be followed")


def _form_of_attribute(walker: Walker, node: cst.Attribute, value: Value, module: Module, *, has_data: bool) -> Form:
    """A bound method, unless it is an attribute of data, which may as well be a text."""
    is_data = value.is_data or bool(value.steps)
    if has_data or (is_data and not _is_method(walker, node, value, module)):
        return _unknown("an attribute whose value is known at run time only")
    return Form("inline")


def _is_method(walker: Walker, node: cst.Attribute, value: Value, module: Module) -> bool:
    if value.annotation is None or not isinstance(node.value, cst.Name):
        return False
    owners = refers_to(walker.project, module, value.annotation)
    return any(walker.project.members(owner, [node.attr.value]).function is not None for owner in owners)


def _form_of_annotation(walker: Walker, annotation: cst.BaseExpression, module: Module) -> Form:
    names = {symbol.name for symbol in refers_to(walker.project, module, annotation)}
    if names & _CALLABLE_TYPES and "RpcCall" not in names:
        return Form("inline")
    text = dotted_name(annotation) or cst.Module([]).code_for_node(annotation)
    return _unknown(f"only its type is known: {' '.join(text.split())}")
