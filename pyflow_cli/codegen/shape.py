"""What generated Python may do when it is imported: nothing but what templates are there for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_cli.codegen.code import TemplateError
from pyflow_cli.codegen.skeleton import HOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_STATEMENTS = (ast.Import, ast.ImportFrom, ast.If, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr)
_TOP_LEVEL = (ast.expr, ast.FunctionDef, ast.AsyncFunctionDef, *_STATEMENTS)

_CALLED_ON_IMPORT = frozenset(
    {
        *("Path", "Project", "RpcRef", "RpcRefNoData", "TypeVar", "Workflows", "WorkflowPlan", "_ArqWorkers"),
        *("Path.resolve", "_workers.serves_runs", "_workers.serves_step"),
    }
)


def check_shape(text: str) -> None:
    """Refuse a file that would do more when it is imported than define what generated files define.

    Raises:
        TemplateError: it is no Python, or it calls, imports or defines something else.
    """
    module = ast.parse(text)
    check_calls(module.body, {node.name for node in module.body if isinstance(node, ast.ClassDef)})


def check_calls(statements: Iterable[ast.AST], classes: Collection[str] = ()) -> None:
    """The same of a piece of a file. A single hole may be called as well: it holds one of the file's `classes`.

    Raises:
        TemplateError: as for a file.
    """
    for statement in statements:
        if not isinstance(statement, _TOP_LEVEL):
            raise TemplateError(f"generated code may not hold {type(statement).__name__} at its top level")
        for call in _calls_on_import(statement):
            if call not in _CALLED_ON_IMPORT and call not in classes and not HOLE.fullmatch(call):
                raise TemplateError(f"generated code may not call {call!r} when it is imported")


def _calls_on_import(statement: ast.AST) -> list[str]:
    """What runs while the module is imported: everything outside functions and `if TYPE_CHECKING`."""
    if isinstance(statement, ast.If):
        return []
    pending: list[ast.AST] = [statement]
    calls: list[str] = []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call):
            calls.append(_called(node.func))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += node.decorator_list
        elif isinstance(node, ast.AnnAssign):
            # Annotations are texts: every file begins with the future import.
            pending += [node.value] if node.value else []
        else:
            pending += ast.iter_child_nodes(node)
    return calls


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
