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


def code_hash(node: cst.CSTNode) -> str:
    """Of an expression."""
    parsed = _parsed(_WRITER.code_for_node(node))
    return digest([parsed] if parsed is not None else [])


def header_hash(block: Block) -> str:
    """Of what a block itself says, without what stands in it."""
    return digest(_header(block))


def _header(block: Block) -> Iterable[ast.AST]:
    twin = block.module.syntax.twin_or_none(block.node)
    match twin:
        case ast.While():
            return [twin.test]
        case ast.For() | ast.AsyncFor():
            return [twin.target, twin.iter]
        case ast.Match():
            cases = [part for case in twin.cases for part in (case.pattern, case.guard) if part is not None]
            return [twin.subject, *cases]
        case ast.Try() | ast.TryStar():
            return [handler.type for handler in twin.handlers if handler.type is not None]
        case ast.Call() if block.kind == "parallel":
            return [twin.func, *(keyword for keyword in twin.keywords if keyword.arg is not None)]
        case None:
            return [parsed for node in _clause(block.node) if (parsed := _parsed(_WRITER.code_for_node(node)))]
        case _:
            return [twin]


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
