"""What generated Python may do when it is imported: nothing but what templates are there for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_cli.codegen.code import TemplateError
from pyflow_cli.codegen.skeleton import HOLE

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATEMENTS = (ast.Import, ast.ImportFrom, ast.If, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr)
_TOP_LEVEL = (ast.expr, ast.FunctionDef, ast.AsyncFunctionDef, *_STATEMENTS)

_CALLED_ON_IMPORT = frozenset(
    {
        *("Path", "Project", "RpcRef", "RpcRefNoData", "TypeVar", "Workflows", "WorkflowPlan", "_ArqWorkers"),
        *("Path.resolve", "_workers.serves_runs", "_workers.serves_step"),
    }
)
_IMPORTED = frozenset({"__future__", "pathlib", "pyflow_core", "pyflow_services", "typing"})
"""The packages that are imported when a generated one is; all others are imported for type checkers only."""


def check_shape(statements: Iterable[ast.AST]) -> None:
    """Refuse a piece of a file that would do more when it is imported than generated files do.

    A single hole may be called: one of the file's classes stands in it.

    Raises:
        TemplateError: it calls, imports or holds something else.
    """
    for statement in statements:
        if not isinstance(statement, _TOP_LEVEL):
            raise TemplateError(f"generated code may not hold {type(statement).__name__} at its top level")
        for node in _executed(statement):
            _check(node)


def _check(node: ast.AST) -> None:
    match node:
        case ast.Call(func=function):
            name = _called(function)
            if name not in _CALLED_ON_IMPORT and not HOLE.fullmatch(name):
                raise TemplateError(f"generated code may not call {name!r} when it is imported")
        case ast.Import(names=aliases):
            _check_import(*(alias.name for alias in aliases))
        case ast.ImportFrom(module=str() as module, level=0):
            _check_import(module)
        case _:
            pass


def _check_import(*modules: str) -> None:
    for module in modules:
        if module.partition(".")[0] not in _IMPORTED:
            raise TemplateError(f"generated code may not import {module!r} when it is imported")


def _executed(statement: ast.AST) -> Iterable[ast.AST]:
    """What runs while the module is imported: everything outside functions and `if TYPE_CHECKING`."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case ast.If():
                pass
            case ast.FunctionDef(args=given) | ast.AsyncFunctionDef(args=given):
                pending += [*node.decorator_list, *given.defaults, *(item for item in given.kw_defaults if item)]
            case ast.AnnAssign(value=value):
                # Annotations are texts: every file begins with the future import.
                pending += [value] if value else []
            case _:
                pending += ast.iter_child_nodes(node)


def _called(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Call(func=inner), attr=attribute):
            return f"{_called(inner)}.{attribute}"
        case ast.Attribute(value=inner, attr=attribute):
            return f"{_called(inner)}.{attribute}"
        case _:
            return ast.unparse(node)
