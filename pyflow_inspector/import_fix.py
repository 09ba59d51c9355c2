"""Imports moved out of `if TYPE_CHECKING:`, so that what they bind exists when the program runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_core.metadata import Edit, Fix, Span
from pyflow_inspector.module_table import Imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.project import Module, Project
    from pyflow_inspector.syntax import Syntax

_MAX_MODULES = 200
"""In more modules than these no way back is searched for."""


def import_fix(project: Project, module: Module, name: str) -> Fix | None:
    """The import that binds `name` for type checkers only, moved to the imports above.

    Nothing where it is bound in an unusual way, and where the imported module imports this one in turn: then it is
    imported for type checkers only for a reason.
    """
    syntax = module.syntax
    found = [(block, one) for block, one in _type_only_imports(syntax) if name in map(_bound_name, one.names)]
    if len(found) != 1 or not _is_alone(*found[0]) or _leads_back(project, module, name):
        return None
    edits = _move(syntax, *found[0], name)
    return Fix(f"import {name!r} outside of `if TYPE_CHECKING:`", safe=True, edits=edits)


def _type_only_imports(syntax: Syntax) -> Iterator[tuple[ast.If, ast.Import | ast.ImportFrom]]:
    """The imports that stand directly in an `if TYPE_CHECKING:` at the top level."""
    for block in syntax.abstract.body:
        if isinstance(block, ast.If) and _is_type_checking(block.test):
            for statement in block.body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    yield block, statement


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_alone(block: ast.If, statement: ast.stmt) -> bool:
    """Whether no other statement stands on the lines of this one."""
    lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    return not any(other.lineno in lines or other.end_lineno in lines for other in block.body if other is not statement)


# --- what is written where


def _move(syntax: Syntax, block: ast.If, statement: ast.Import | ast.ImportFrom, name: str) -> tuple[Edit, ...]:
    span = syntax.span(statement)
    lines = syntax.lines[span.line - 1 : span.end_line]
    written = "".join([*lines[:-1], lines[-1][: span.end_column - 1]])
    if len(statement.names) > 1 and "#" not in written:
        return _split(syntax, block, statement, span, name)
    first, *rest = lines
    text = "\n".join([first[span.column - 1 :], *(_dedented(line, span.column - 1) for line in rest)])
    insertion = _insertion(syntax, block, text)
    if len(block.body) > 1:
        return insertion, Edit(Span(span.file, span.line, 1, span.end_line + 1, 1), "")
    return insertion, Edit(Span(span.file, span.line, span.column, span.end_line, len(lines[-1]) + 1), "pass")


def _dedented(line: str, width: int) -> str:
    return line[width:] if not line[:width].strip() else line


def _split(
    syntax: Syntax, block: ast.If, statement: ast.Import | ast.ImportFrom, span: Span, name: str
) -> tuple[Edit, ...]:
    """Of `from a import B, C` only what is needed is moved."""
    moved = [alias for alias in statement.names if _bound_name(alias) == name]
    kept = [alias for alias in statement.names if _bound_name(alias) != name]
    return _insertion(syntax, block, _code(statement, moved)), Edit(span, _code(statement, kept) if kept else "pass")


def _code(statement: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> str:
    if isinstance(statement, ast.Import):
        return ast.unparse(ast.Import(names))
    return ast.unparse(ast.ImportFrom(statement.module, names, statement.level))


def _insertion(syntax: Syntax, block: ast.If, text: str) -> Edit:
    """A line of its own after the last import above the block, or else before the block."""
    above = [one for one in syntax.abstract.body if one.lineno < block.lineno]
    imports = [one for one in above if isinstance(one, ast.Import | ast.ImportFrom)]
    line = (imports[-1].end_lineno or 0) + 1 if imports else block.lineno
    return Edit(Span(syntax.file, line, 1, line, 1), f"{text}\n")


# --- circles


def _leads_back(project: Project, module: Module, name: str) -> bool:
    """Whether the imported module imports this one when it is imported itself, over however many others."""
    waiting = [binding.module for binding in module.table.bindings[name] if isinstance(binding, Imported)]
    seen: set[str] = set()
    while waiting and len(seen) < _MAX_MODULES:
        current = waiting.pop()
        if current == module.name:
            return True
        other = None if current in seen else project.module(current)
        seen.add(current)
        if other is not None:
            waiting += _imports_at_run_time(other)
    return bool(waiting)


def _imports_at_run_time(module: Module) -> Iterator[str]:
    yield from module.table.star_modules
    for bindings in module.table.bindings.values():
        for binding in bindings:
            if isinstance(binding, Imported) and not binding.type_only:
                yield binding.module
                if binding.name is not None:
                    yield f"{binding.module}.{binding.name}"
