"""Each libcst node that may be reported, and the ast node that knows its position."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, cast

import libcst as cst

from pyflow_inspector.tree import is_keyword, walk_ast, walk_cst

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAIRED: dict[type[cst.CSTNode], type[ast.AST]] = {
    cst.Name: ast.Name,
    cst.Attribute: ast.Attribute,
    cst.Call: ast.Call,
    cst.FunctionDef: ast.FunctionDef,
    cst.Lambda: ast.Lambda,
    cst.ClassDef: ast.ClassDef,
    cst.If: ast.If,
    cst.IfExp: ast.IfExp,
    cst.Match: ast.Match,
    cst.For: ast.For,
    cst.While: ast.While,
    cst.Try: ast.Try,
    cst.TryStar: ast.TryStar,
    cst.Return: ast.Return,
    cst.Raise: ast.Raise,
    cst.Break: ast.Break,
    cst.Continue: ast.Continue,
}
_KINDS = {kind: kind for kind in _PAIRED.values()} | {
    ast.AsyncFunctionDef: ast.FunctionDef,
    ast.AsyncFor: ast.For,
}
_CONSTANT_NAMES = {"None", "True", "False"}


class UnpairedTreesError(Exception):
    """libcst and ast have read one file differently."""


def pair_trees(concrete: cst.Module, abstract: ast.Module) -> Mapping[cst.CSTNode, ast.AST]:
    """The twins of all names, calls, functions, lambdas, classes and statements that lead elsewhere than on.

    Arguments and annotations have twins too.

    Raises:
        UnpairedTreesError: the trees do not agree.
    """
    twins: dict[cst.CSTNode, ast.AST] = {}
    left = [node for node in walk_cst(concrete) if type(node) in _PAIRED and not _is_constant(node)]
    right = [node for node in walk_ast(abstract) if type(node) in _KINDS]
    if len(left) != len(right):
        raise UnpairedTreesError(f"{len(left)} against {len(right)} names and calls")
    for one, other in zip(left, right, strict=True):
        if _PAIRED[type(one)] is not _KINDS[type(other)]:
            raise UnpairedTreesError(f"{type(one).__name__} against {type(other).__name__}")
        twins[one] = other
        kind = type(one)  # not by `isinstance`, which is slow: libcst's classes are abstract base classes
        if kind is cst.Call:
            _pair_call(cast("cst.Call", one), other, twins)
        elif kind is cst.FunctionDef:
            _pair_function(cast("cst.FunctionDef", one), other, twins)
    return twins


def _is_constant(node: cst.CSTNode) -> bool:
    return type(node) is cst.Name and node.value in _CONSTANT_NAMES


def _pair_call(one: cst.Call, other: ast.AST, twins: dict[cst.CSTNode, ast.AST]) -> None:
    assert isinstance(other, ast.Call)
    positional = [arg for arg in one.args if not is_keyword(arg)]
    named = [arg for arg in one.args if is_keyword(arg)]
    if len(positional) != len(other.args) or len(named) != len(other.keywords):
        raise UnpairedTreesError("calls with different arguments")
    twins[one.func] = other.func
    for arg, value in zip(positional, other.args, strict=True):
        twins[arg.value] = value.value if isinstance(value, ast.Starred) else value
    for arg, keyword in zip(named, other.keywords, strict=True):
        twins[arg.value] = keyword.value


def _pair_function(one: cst.FunctionDef, other: ast.AST, twins: dict[cst.CSTNode, ast.AST]) -> None:
    assert isinstance(other, ast.FunctionDef | ast.AsyncFunctionDef)
    if one.name.value != other.name:
        raise UnpairedTreesError(f"function {one.name.value} against {other.name}")
    groups = (
        (one.params.posonly_params, other.args.posonlyargs),
        (one.params.params, other.args.args),
        (one.params.kwonly_params, other.args.kwonlyargs),
    )
    for params, args in groups:
        for param, arg in zip(params, args, strict=True):
            twins[param] = arg
            if param.annotation is not None and arg.annotation is not None:
                twins[param.annotation.annotation] = arg.annotation
    if one.returns is not None and other.returns is not None:
        twins[one.returns.annotation] = other.returns
