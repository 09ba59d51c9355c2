"""The two trees of a file, walked in one agreed order.

libcst keeps what was written and has no positions unless it is asked at great cost; ast has positions. Walked in
the same order, the calls and functions of both come one by one, so that each can borrow from its twin. The order
need not be that of the source, only the same on both sides.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, cast

import libcst as cst
from typing_extensions import TypeIs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOT_CODE = frozenset(
    {
        "lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace", "leading_lines", "lines_after_decorators",
        "header", "footer", "indent", "comma", "semicolon", "equal", "operator", "dot", "newline", "colon",
        "first_colon", "second_colon", "posonly_ind", "asynchronous", "conversion", "type_parameters", "pattern",
    }
)  # fmt: skip


def _parameters(node: cst.Parameters) -> Iterator[cst.Param]:
    yield from node.posonly_params
    yield from node.params
    if isinstance(node.star_arg, cst.Param):
        yield node.star_arg
    yield from node.kwonly_params
    if node.star_kwarg is not None:
        yield node.star_kwarg


def _parameter_code(node: cst.Parameters) -> list[cst.CSTNode | None]:
    every = list(_parameters(node))
    positional = (*node.posonly_params, *node.params)
    return [
        *(param.annotation for param in every),
        *(param.default for param in positional),
        *(param.default for param in node.kwonly_params),
    ]


def _arguments(node: cst.Call) -> list[cst.CSTNode]:
    named = [arg for arg in node.args if is_keyword(arg)]
    return [node.func, *(arg for arg in node.args if not is_keyword(arg)), *named]


def is_keyword(arg: cst.Arg) -> bool:
    """Whether an argument is `name=value` or `**value`."""
    return arg.keyword is not None or arg.star == "**"


_CST_FIELDS: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.FunctionDef: ("decorators", "params", "returns", "body"),
    cst.ClassDef: ("decorators", "bases", "keywords", "body"),
    cst.Arg: ("value",),
    cst.Attribute: ("value",),
    cst.ExceptHandler: ("type", "body"),
    cst.ExceptStarHandler: ("type", "body"),
    cst.MatchCase: ("guard", "body"),
    cst.TypeAlias: ("value",),
    cst.Import: (),
    cst.ImportFrom: (),
    cst.Global: (),
    cst.Nonlocal: (),
}
"""Where the order of the fields is not that of ast; the other classes are added as they are met."""


def _cst_fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    if kind not in _CST_FIELDS:
        names = (field.name for field in fields(kind))
        _CST_FIELDS[kind] = tuple(n for n in names if n not in _NOT_CODE and "whitespace" not in n)
    return _CST_FIELDS[kind]


def cst_children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The parts of `node` that are code: no whitespace, punctuation, patterns or names of things."""
    values: Sequence[object]
    kind = type(node)
    if kind is cst.Parameters:
        values = _parameter_code(cast("cst.Parameters", node))
    elif kind is cst.Call:
        values = _arguments(cast("cst.Call", node))
    else:
        values = [getattr(node, name) for name in _cst_fields(kind)]
    children: list[cst.CSTNode] = []
    for value in values:
        if is_node(value):
            children.append(value)
        elif isinstance(value, list | tuple):
            children.extend(item for item in cast("Sequence[object]", value) if is_node(item))
    return children


def is_node(value: object) -> TypeIs[cst.CSTNode]:
    """`isinstance(value, cst.CSTNode)`, which is slow because libcst's classes are abstract base classes."""
    kind = type(value)
    known = _IS_NODE.get(kind)
    if known is None:
        known = _IS_NODE[kind] = issubclass(kind, cst.CSTNode)
    return known


_IS_NODE: dict[type, bool] = {}


def walk_cst(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`root` and everything below it, parents first."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(cst_children(node)))


def path_to(root: cst.CSTNode, wanted: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes from `root` down to `wanted`, both included; empty if it is not below `root`."""
    parents: dict[cst.CSTNode, cst.CSTNode] = {}
    for node in walk_cst(root):
        if node is wanted:
            break
        parents.update((child, node) for child in cst_children(node))
    else:
        return []
    path = [wanted]
    while path[-1] is not root:
        path.append(parents[path[-1]])
    return path[::-1]


_AST_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.FunctionDef: ("decorator_list", "args", "returns", "body"),
    ast.AsyncFunctionDef: ("decorator_list", "args", "returns", "body"),
    ast.ClassDef: ("decorator_list", "bases", "keywords", "body"),
    ast.match_case: ("guard", "body"),
}
if sys.version_info >= (3, 12):
    _AST_FIELDS[ast.TypeAlias] = ("value",)


def ast_children(node: ast.AST) -> list[ast.AST]:
    """The parts of `node`, in the order of `cst_children`."""
    if isinstance(node, ast.arguments):
        values = _ast_arguments(node)
    elif isinstance(node, ast.Dict):
        values = [part for pair in zip(node.keys, node.values, strict=True) for part in pair]
    else:
        values = [getattr(node, name, None) for name in _AST_FIELDS.get(type(node), node._fields)]
    children: list[ast.AST] = []
    for value in values:
        if isinstance(value, ast.AST):
            children.append(value)
        elif isinstance(value, list):
            children.extend(item for item in cast("list[object]", value) if isinstance(item, ast.AST))
    return children


def _ast_arguments(node: ast.arguments) -> list[ast.expr | None]:
    every = [*node.posonlyargs, *node.args, node.vararg, *node.kwonlyargs, node.kwarg]
    annotations = [arg.annotation for arg in every if arg is not None]
    return [*annotations, *node.defaults, *node.kw_defaults]


def walk_ast(root: ast.AST) -> Iterator[ast.AST]:
    """`root` and everything below it, in the order of `walk_cst`."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(ast_children(node)))


def dotted_name(node: cst.CSTNode) -> str | None:
    """`"a.b.c"` for a name or a chain of attributes, otherwise nothing."""
    if type(node) is cst.Name:
        return node.value
    names: list[str] = []
    while type(node) is cst.Attribute:
        names.append(node.attr.value)
        node = node.value
    if type(node) is not cst.Name:
        return None
    return ".".join(reversed([*names, node.value]))
