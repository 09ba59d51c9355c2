"""The two trees of a file, walked in one agreed order.

libcst keeps what was written and has no positions unless it is asked at great cost; ast has positions. Walked in
the same order, the calls and functions of both come one by one, so that each can borrow from its twin. The order
need not be that of the source, only the same on both sides.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import libcst as cst
from typing_extensions import TypeIs

from pyflow_inspector.ast_node import attributes, child_nodes, nodes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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


def _make_cst_parts(kind: type[cst.CSTNode]) -> Callable[[Any], Sequence[object]]:
    names = _CST_FIELDS.get(kind)
    if names is None:
        found = (one for one in fields(kind) if one.type not in {str, bool})
        names = tuple(one.name for one in found if one.name not in _NOT_CODE and "whitespace" not in one.name)
    return attributes(names)


_CST_PARTS: dict[type, Callable[[Any], Sequence[object]]] = {cst.Parameters: _parameter_code, cst.Call: _arguments}


def cst_children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The parts of `node` that are code: no whitespace, punctuation, patterns or names of things."""
    kind = type(node)
    parts = _CST_PARTS.get(kind)
    if parts is None:
        parts = _CST_PARTS[kind] = _make_cst_parts(kind)
    children: list[cst.CSTNode] = []
    for value in parts(node):
        if type(value) in _SEQUENCES:
            children += [item for item in cast("Sequence[object]", value) if is_node(item)]
        elif value is not None and is_node(value):
            children.append(value)
    return children


_SEQUENCES = {list, tuple}


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
        if type(node) is not cst.Name:  # a third of all nodes
            stack += cst_children(node)[::-1]


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


def _ast_pairs(node: ast.Dict) -> list[ast.expr | None]:
    return [part for pair in zip(node.keys, node.values, strict=True) for part in pair]


def _ast_arguments(node: ast.arguments) -> list[ast.expr | None]:
    every = [*node.posonlyargs, *node.args, node.vararg, *node.kwonlyargs, node.kwarg]
    annotations = [arg.annotation for arg in every if arg is not None]
    return [*annotations, *node.defaults, *node.kw_defaults]


_AST_PARTS: dict[type, Callable[[Any], Sequence[object]]] = {
    **{kind: attributes(names) for kind, names in _AST_FIELDS.items()},
    ast.arguments: _ast_arguments,
    ast.Dict: _ast_pairs,
}
"""Where the order is not that of `child_nodes`."""


def ast_children(node: ast.AST) -> Sequence[ast.AST]:
    """The parts of `node` that are code, in the order of `cst_children`."""
    parts = _AST_PARTS.get(type(node))
    return child_nodes(node) if parts is None else nodes_of(parts(node))


def walk_ast(root: ast.AST) -> Iterator[ast.AST]:
    """`root` and everything below it, in the order of `walk_cst`."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += ast_children(node)[::-1]


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
