"""Fixes put into effect: edits of findings become new texts of files, or nothing at all.

A file is only written if it still is what the findings were made of, if all edits keep apart, and if the result is
Python. Encoding, byte order mark and line ends stay as they were.
"""

from __future__ import annotations

import ast
import io
import secrets
import shutil
import tokenize
import warnings
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING

from pyflow_inspector.source import find_sources
from pyflow_inspector.source_text import SyntaxFault, decode_source, line_ends, line_lengths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic, Edit, Fix
    from pyflow_inspector.settings import InspectorSettings

Change = tuple[int, int, str]
"""Two offsets into a text, and what is to stand between them."""


@dataclass(frozen=True, slots=True)
class FixableFile:
    """A file as it was before it was inspected."""

    path: Path
    digest: str


def note_files(settings: InspectorSettings) -> dict[str, FixableFile]:
    """The sources of a project as they are now, by the names that findings give them. Ask before you inspect.

    Raises:
        OSError: a file cannot be read.
    """
    return {source.file: FixableFile(source.path, source.digest) for source in find_sources(settings).values()}


def apply_fixes(
    findings: Iterable[Diagnostic], files: Mapping[str, FixableFile], *, unsafe: bool = False
) -> tuple[Diagnostic, ...]:
    """Fix what can be fixed at once, and say what that was.

    Of fixes that touch each other only the first is made: inspect again for the next. A file is left alone if it is
    none of `files`, or if it is no longer what it was there. All edits of a fix are in one file.

    Raises:
        OSError: a file cannot be written; it is unchanged then.
    """
    wanted: dict[str, list[tuple[Diagnostic, Fix]]] = {}
    for finding in findings:
        if finding.fix is not None and (finding.fix.safe or unsafe):
            wanted.setdefault(finding.fix.edits[0].span.file, []).append((finding, finding.fix))
    fixed: list[Diagnostic] = []
    for name, fixes in wanted.items():
        source = _read(files[name]) if name in files else None
        if source is not None:
            chosen = [finding for finding, fix in fixes if source.take(fix, name)]
            fixed.extend(chosen if _rewrite(source, files[name]) else ())
    return tuple(fixed)


class _Source:
    """The text of one file, and the changes that it is to get."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self.encoding = encoding
        self.changes: set[Change] = set()
        self._lengths = line_lengths(text)
        self._starts = [0, *accumulate(self._lengths)]

    def take(self, fix: Fix, name: str) -> bool:
        """Note the edits of a fix, if all of them are in this file and keep apart from those that were noted."""
        changes = [self._change(edit) if edit.span.file == name else None for edit in fix.edits]
        good = [change for change in changes if change is not None and self._accepts(change)]
        if len(good) < len(changes):
            return False
        self.changes.update(good)
        return True

    def _accepts(self, change: Change) -> bool:
        """Whether a change touches none that was noted, or is one of them."""
        return change in self.changes or not any(
            change[0] <= other[1] and other[0] <= change[1] for other in self.changes
        )

    def _change(self, edit: Edit) -> Change | None:
        """The edit by offsets; nothing if there is no such place."""
        span = edit.span
        start, end = self._offset(span.line, span.column), self._offset(span.end_line, span.end_column)
        if start is None or end is None or end < start:
            return None
        return start, end, edit.text.replace("\n", self._newline(start))

    def _offset(self, line: int, column: int) -> int | None:
        if not 1 <= line <= len(self._lengths) or not 1 <= column <= self._lengths[line - 1] + 1:
            return None
        return self._starts[line - 1] + column - 1

    def _newline(self, offset: int) -> str:
        """How the line before `offset` ends, or else the first one."""
        ends = line_ends(self.text[:offset]) or line_ends(self.text)
        return ends[-1] if ends else "\n"

    def changed(self) -> str:
        """The text with all changes."""
        pieces: list[str] = []
        end = len(self.text)
        for start, stop, text in sorted(self.changes, reverse=True):
            pieces += [self.text[stop:end], text]
            end = start
        return "".join(reversed([*pieces, self.text[:end]]))


# --- reading and writing


def _read(file: FixableFile) -> _Source | None:
    """The text of a file, if it is still what it was and can be written back byte for byte."""
    data = _unchanged_data(file)
    if data is None:
        return None
    try:
        text = decode_source("", data)
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return _Source(text, encoding) if text.encode(encoding) == data else None
    except (SyntaxFault, UnicodeError):
        return None


def _unchanged_data(file: FixableFile) -> bytes | None:
    try:
        data = file.path.read_bytes()
    except OSError:
        return None
    return data if sha256(data).hexdigest() == file.digest else None


def _rewrite(source: _Source, file: FixableFile) -> bool:
    """Write the changed text; whether that was done."""
    text = source.changed()
    if text == source.text or not _is_python(text):
        return False
    try:
        data = text.encode(source.encoding)
    except UnicodeError:
        return False
    target = file.path.resolve()  # a link stays a link
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        beside.write_bytes(data)
        shutil.copymode(target, beside)
        if _unchanged_data(file) is None:
            return False
        beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return True


def _is_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
