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
from pyflow_inspector.steps.value import FunctionValue, Meaning, Method, Reference, Value
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
    if isinstance(meaning, Constant):
        is_text = isinstance(meaning.value, str)
        return Form("rpc", str(meaning.value)) if is_text else _unknown(f"{meaning.value!r} is no RPC and no function")
    if isinstance(meaning, Template):
        return _unknown("the RPC's name is put together at run time")
    if isinstance(meaning, Reference):
        problem = None if meaning.called else "the reference must be called with its data"
        return Form("rpc", meaning.path, is_reference=True, problem=problem)
    if isinstance(meaning, FunctionValue | Method):
        return Form("inline", function=meaning if isinstance(meaning, FunctionValue) else None)
    if isinstance(meaning, Symbol):
        return _form_of_symbol(walker, meaning, has_data=has_data)
    return None


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
