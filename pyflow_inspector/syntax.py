"""From bytes to trees. Everything that cannot be read ends here, as a `SyntaxFault` with a position."""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_core.metadata import Span
from pyflow_inspector.pairing import UnpairedTreesError, pair_trees
from pyflow_inspector.parser import parse_expression, parse_module
from pyflow_inspector.source_text import SyntaxFault, decode_source, file_start, split_lines
from pyflow_inspector.tree import ast_children, walk_cst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyflow_inspector.source import SourceFile

MAX_BYTES = 2 * 1024 * 1024
"""Longer files are data rather than code, and their trees would fill the memory."""

MAX_DEPTH = 500
"""How deep code may nest: libcst recurses natively, and far deeper input ends the process."""

_NAMES = {cst.Name, cst.Attribute}


class Syntax:
    """Both trees of one file and the positions of their nodes."""

    def __init__(self, file: str, text: str, concrete: cst.Module, abstract: ast.Module) -> None:
        self.file = file
        self.lines = split_lines(text)
        self.concrete = concrete
        self.abstract = abstract
        self._twins: Mapping[cst.CSTNode, ast.AST] = pair_trees(concrete, abstract)

    def twin(self, node: cst.CSTNode) -> ast.AST:
        """The ast node of a call, function, lambda, class, argument, parameter or annotation."""
        return self._twins[node]

    def twin_or_none(self, node: cst.CSTNode) -> ast.AST | None:
        """The ast node of any node that has one."""
        return self._twins.get(node)

    def lines_of(self, matches: Callable[[cst.CSTNode], bool]) -> list[int]:
        """Where the names and chains of attributes stand that match, in order."""
        found = {
            twin.lineno
            for node, twin in self._twins.items()
            if type(node) in _NAMES and isinstance(twin, ast.expr) and matches(node)
        }
        return sorted(found)

    def span(self, node: cst.CSTNode | ast.AST) -> Span:
        """Where `node` stands, in code points."""
        place = node if isinstance(node, ast.AST) else self._twins.get(node)
        if place is None:
            assert isinstance(node, cst.CSTNode)
            return self._covering_span(node)
        assert isinstance(place, ast.expr | ast.stmt | ast.arg)
        end_line = place.end_lineno or place.lineno
        end_offset = place.end_col_offset if place.end_col_offset is not None else place.col_offset
        return Span(
            self.file,
            place.lineno,
            self._column(place.lineno, place.col_offset),
            end_line,
            self._column(end_line, end_offset),
        )

    def _covering_span(self, node: cst.CSTNode) -> Span:
        """From the first to the last part of `node` that has a twin."""
        spans = [self.span(self._twins[part]) for part in walk_cst(node) if part in self._twins]
        if not spans:
            return file_start(self.file)
        first = min(spans, key=lambda span: (span.line, span.column))
        last = max(spans, key=lambda span: (span.end_line, span.end_column))
        return Span(self.file, first.line, first.column, last.end_line, last.end_column)

    def code(self, node: cst.CSTNode) -> str:
        """`node` on one line: as it is written, if it is written on one."""
        span = self.span(node)
        if span.line == span.end_line:
            return self.lines[span.line - 1][span.column - 1 : span.end_column - 1]
        try:
            return ast.unparse(self._twins[node])
        except RecursionError:
            return "..."

    def function_name_span(self, node: cst.FunctionDef) -> Span:
        """Where the name after `def` stands."""
        span = self.span(node)
        line = self.lines[span.line - 1]
        match = re.compile(rf"(?:async\s+)?def\s+({re.escape(node.name.value)})\b").match(line, span.column - 1)
        if match is None:  # the name stands on a continuation line
            return Span(self.file, span.line, span.column, span.line, len(line) + 1)
        return Span(self.file, span.line, match.start(1) + 1, span.line, match.end(1) + 1)

    def _column(self, line: int, byte_offset: int) -> int:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if text.isascii():
            return min(byte_offset, len(text)) + 1
        return len(text.encode()[:byte_offset].decode(errors="ignore")) + 1


def parse_source(source: SourceFile) -> Syntax:
    """Read a file, first by ast, which refuses politely what would end the process inside libcst.

    Raises:
        SyntaxFault: the file cannot be read.
    """
    if len(source.data) > MAX_BYTES:
        message = f"the file is longer than {MAX_BYTES} bytes"
        raise SyntaxFault(message, file_start(source.file), is_too_complex=True)
    text = decode_source(source.file, source.data)
    abstract = _parse_gate(source.file, text)
    _refuse_depth(source.file, abstract)
    try:
        return Syntax(source.file, text, parse_module(text), abstract)
    except cst.ParserSyntaxError as error:
        message = f"libcst cannot read this file: {error.message.splitlines()[0]}"
        raise SyntaxFault(message, _point(source.file, text, error.raw_line)) from None
    except UnpairedTreesError as error:
        raise SyntaxFault(f"libcst and ast disagree about this file: {error}", file_start(source.file)) from None


def parse_type(text: str) -> cst.BaseExpression | None:
    """The type that a text holds, with the same precautions; nothing if it holds none."""
    code = f"({text.strip()}\n)"
    try:
        _refuse_depth("", _parse_gate("", code))
        return parse_expression(code)
    except (SyntaxFault, cst.ParserSyntaxError):
        return None


def _parse_gate(file: str, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise SyntaxFault(f"syntax error: {error.msg}", _error_span(file, text, error)) from None
    except (RecursionError, MemoryError):
        message = "the code nests too deeply to be read"
        raise SyntaxFault(message, file_start(file), is_too_complex=True) from None
    except ValueError as error:
        raise SyntaxFault(f"syntax error: {error}", file_start(file)) from None


def _refuse_depth(file: str, tree: ast.Module) -> None:
    """Refuse what nests deeper than `MAX_DEPTH`."""
    levels: defaultdict[int, list[ast.AST]] = defaultdict(list, {0: [tree]})
    depth = 0
    while levels:
        level = levels.pop(depth, [])
        if level and depth > MAX_DEPTH:
            line = getattr(level[0], "lineno", 1)
            message = f"the code nests deeper than {MAX_DEPTH} levels"
            raise SyntaxFault(message, Span(file, line, 1, line, 2), is_too_complex=True)
        depth += 1
        for node in level:  # which grows
            children = ast_children(node)
            if isinstance(node, ast.BoolOp):
                levels[depth + len(node.values) // 4] += children  # libcst nests what ast keeps in a row
            elif isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                levels[depth] += children[:-1]
                level.append(node.orelse[0])  # an `elif`
            elif children:
                levels[depth] += children


def _error_span(file: str, text: str, error: SyntaxError) -> Span:
    lines = split_lines(text)
    line = min(max(error.lineno or 1, 1), len(lines))
    width = len(lines[line - 1])
    column = min(max(error.offset or 1, 1), width + 1)
    end_line, end = error.end_lineno, error.end_offset
    if end_line == line and end is not None and end > column:
        return Span(file, line, column, line, min(end, width + 1))
    return Span(file, line, column, line, column + 1)


def _point(file: str, text: str, line: int) -> Span:
    """The whole of a line."""
    lines = split_lines(text)
    number = min(max(line, 1), len(lines))
    return Span(file, number, 1, number, len(lines[number - 1]) + 1)
