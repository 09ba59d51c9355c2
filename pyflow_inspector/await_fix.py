"""The `await` that a call lacks, where one can be written without changing anything else."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_core.metadata import Edit, Fix, Span
from pyflow_inspector.tree import path_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_inspector.project import Module

_OTHER_SCOPES = (cst.Lambda, cst.ClassDef, cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp, cst.Annotation)
"""Where `await` is refused, or would make something else of what is around it."""


def await_fix(module: Module, call: cst.Call) -> Fix | None:
    """`await` before a call, in parentheses where it would otherwise take more than the call.

    Nothing where the call does not stand in the body of an `async def` itself.
    """
    path = path_to(module.syntax.concrete, call)
    if not _may_await(path) or not _is_placed(module, call, path):
        return None
    span = module.syntax.span(call)
    start = Span(span.file, span.line, span.column, span.line, span.column)
    if not _binds_tighter(call, path[-2]):
        return Fix("add `await`", safe=True, edits=(Edit(start, "await "),))
    end = Span(span.file, span.end_line, span.end_column, span.end_line, span.end_column)
    return Fix("add `await`", safe=True, edits=(Edit(start, "(await "), Edit(end, ")")))


def _may_await(path: Sequence[cst.CSTNode]) -> bool:
    allowed = False
    for node, child in pairwise(path):
        if isinstance(node, _OTHER_SCOPES):
            allowed = False
        elif isinstance(node, cst.FunctionDef) and child is node.body:
            allowed = node.asynchronous is not None
    return allowed


def _is_placed(module: Module, call: cst.Call, path: Sequence[cst.CSTNode]) -> bool:
    """Whether the position of the call is right: Python before 3.12 misplaces what is inside f-strings."""
    if not any(isinstance(node, cst.FormattedString) for node in path):
        return True
    bare = call.with_changes(lpar=(), rpar=())
    return module.syntax.code(call) == module.syntax.concrete.code_for_node(bare)


def _binds_tighter(call: cst.Call, parent: cst.CSTNode) -> bool:
    """Whether what follows the call would be awaited with it."""
    if call.lpar:
        return False
    if isinstance(parent, cst.Attribute | cst.Subscript):
        return parent.value is call
    return isinstance(parent, cst.Call) and parent.func is call
