"""What a block says in the source: its text, where it stands, and the hash of what it decides by."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_core.metadata import Span
from pyflow_inspector.digest import digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.block import Block

_WRITER = cst.Module([])


def text_of(node: cst.CSTNode) -> str:
    """An expression or a pattern on one line, as it is written if it is written on one."""
    written = _WRITER.code_for_node(node).strip()
    if "\n" not in written and "\r" not in written:
        return written
    parsed = _parsed(written)
    return ast.unparse(parsed) if parsed is not None else " ".join(written.split())


def case_text(case: cst.MatchCase) -> str:
    """A pattern with its guard."""
    guard = f" if {text_of(case.guard)}" if case.guard is not None else ""
    return f"{text_of(case.pattern)}{guard}"


def condition_of(node: cst.CSTNode) -> cst.CSTNode:
    """The expression by which a branch or loop decides."""
    return node.test if isinstance(node, cst.If | cst.IfExp) else node


def code_hash(module: Module, node: cst.CSTNode) -> str:
    """Of the condition of a branch, or of a guard."""
    twin = module.syntax.twin_or_none(node)
    parsed = twin.test if isinstance(twin, ast.If | ast.IfExp) else _parsed(_WRITER.code_for_node(node))
    return digest([parsed] if parsed is not None else [])


def header_hash(block: Block) -> str:
    """Of what a block itself says, without what stands in it."""
    return digest(_header(block))


def _header(block: Block) -> Iterable[ast.AST]:
    match block.module.syntax.twin_or_none(block.node):
        case ast.While(test=test):
            found: list[ast.AST | None] = [test]
        case ast.For(target=target, iter=source) | ast.AsyncFor(target=target, iter=source):
            found = [target, source]
        case ast.Match(subject=subject, cases=cases):
            found = [subject, *(part for case in cases for part in (case.pattern, case.guard))]
        case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
            found = [handler.type for handler in handlers]
        case ast.Call(func=func, keywords=keywords) if block.kind == "parallel":
            found = [func, *keywords]
        case None:
            found = [_parsed(_WRITER.code_for_node(node)) for node in _clause(block.node)]
        case twin:
            found = [twin]
    return [node for node in found if node is not None]


def _clause(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The parts of the `for` of a comprehension."""
    return [node.target, node.iter, *(one.test for one in node.ifs)] if isinstance(node, cst.CompFor) else []


def _parsed(code: str) -> ast.expr | None:
    try:
        return ast.parse(f"({code.strip()}\n)", mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        return None


def span_of(module: Module, node: cst.CSTNode) -> Span:
    """Where a call or a leaving statement stands; of a branch, loop or match only what it decides by."""
    syntax = module.syntax
    twin = syntax.twin_or_none(node)
    match twin:
        case ast.If() | ast.IfExp():
            return syntax.span(twin.test)
        case ast.Match():
            return _until(syntax.span(twin), syntax.span(twin.subject))
        case ast.While():
            return _until(syntax.span(twin), syntax.span(twin.test))
        case ast.For() | ast.AsyncFor():
            return _until(syntax.span(twin), syntax.span(twin.iter))
        case _:
            return syntax.span(node)


def _until(whole: Span, last: Span) -> Span:
    return Span(whole.file, whole.line, whole.column, last.end_line, last.end_column)
