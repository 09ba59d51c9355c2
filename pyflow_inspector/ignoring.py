"""Comments that silence findings: `# pyflow: ignore[PF101]`, on the first or the last line of what is reported."""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyflow_core.metadata import Fix, Span
from pyflow_inspector.ignore_fix import ignore_fix
from pyflow_inspector.source_text import SyntaxFault, decode_source, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.source import SourceFile

_IGNORE = re.compile(r"#\s*pyflow:\s*ignore\b(?:\s*\[([^\]]*)\])?")
_CODE = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One code in a comment; an empty one where a comment names none. It silences findings on the line of `span`."""

    code: str
    span: Span
    removal: Fix | None = None
    """What takes the code away, and the comment if it has no other."""


class Ignores:
    """The comments of a project, and which of them have silenced anything."""

    def __init__(self, ignores: Iterable[Ignore]) -> None:
        self.all = list(ignores)
        self._by_place: dict[tuple[str, int, str], list[Ignore]] = {}
        for one in self.all:
            self._by_place.setdefault((one.span.file, one.span.line, one.code), []).append(one)
        self._used: set[Ignore] = set()

    def silence(self, finding: Diagnostic) -> bool:
        """Whether a comment silences a finding; that comment counts as used."""
        lines = {finding.line, finding.end_line}
        matching = [one for line in lines for one in self._by_place.get((finding.file, line, finding.code), ())]
        self._used.update(matching)
        return bool(matching)

    def is_used(self, ignore: Ignore) -> bool:
        """Whether a comment has silenced a finding."""
        return ignore in self._used


def read_ignores(sources: Iterable[SourceFile]) -> Ignores:
    """The comments of all files; a file that cannot be read has none."""
    return Ignores(ignore for source in sources if b"pyflow:" in source.data for ignore in _ignores_of(source))


def _ignores_of(source: SourceFile) -> list[Ignore]:
    try:
        lines = split_lines(decode_source(source.file, source.data))
        if not any(_IGNORE.search(line) for line in lines):
            return []
        return list(_ignores_in(source.file, "\n".join(lines)))
    except (SyntaxFault, SyntaxError, tokenize.TokenError):
        return []


def _ignores_in(file: str, text: str) -> Iterator[Ignore]:
    """Those in comments only: the same text inside a string silences nothing."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            for match in _IGNORE.finditer(token.string):
                for one in _codes(file, line, column + 1, match):
                    yield replace(one, removal=ignore_fix(file, line, lines[line - 1], {one.code}))


def _codes(file: str, line: int, column: int, match: re.Match[str]) -> Iterator[Ignore]:
    named = list(_CODE.finditer(match[1] or ""))
    for code in named:
        start = column + match.start(1) + code.start()
        yield Ignore(code[0], Span(file, line, start, line, start + len(code[0])))
    if not named:
        yield Ignore("", Span(file, line, column + match.start(), line, column + match.end()))
