"""The text of a source file, and what is wrong with one that has none."""

from __future__ import annotations

import io
import re
import tokenize
from itertools import pairwise

from pyflow_core.metadata import Span

_LINE_END = re.compile(r"\r\n|\r|\n")


class SyntaxFault(Exception):  # noqa: N818 - a finding under way, and no error of ours
    """A file cannot be read, and where. Too complex is what Python itself might read."""

    def __init__(self, message: str, span: Span, *, is_too_complex: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.is_too_complex = is_too_complex


def split_lines(text: str) -> list[str]:
    """The lines as Python counts them: a form feed or a Unicode separator ends none."""
    return _LINE_END.split(text)


def line_lengths(text: str) -> list[int]:
    """How long each line is, its end included."""
    ends = [match.end() for match in _LINE_END.finditer(text)]
    return [end - start for start, end in pairwise([0, *ends, len(text)])]


def line_ends(text: str) -> list[str]:
    """What ends each line but the last."""
    return _LINE_END.findall(text)


def decode_source(file: str, data: bytes) -> str:
    """The text of a file, by its own encoding declaration.

    Raises:
        SyntaxFault: the bytes do not fit the encoding, or hold a null byte.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        position = _undecodable(file, data, "utf-8")
        raise position or SyntaxFault(f"syntax error: {error.msg}", file_start(file)) from None
    fault = _undecodable(file, data, encoding)
    if fault is not None:
        raise fault
    text = data.decode(encoding)
    if "\0" in text:
        raise SyntaxFault("the file holds a null byte", _end_of(file, text[: text.index("\0")]))
    return text


def _shown(data: bytes, encoding: str) -> str:
    """Text for a position; some encodings, such as `idna`, replace nothing."""
    try:
        return data.decode(encoding, errors="replace")
    except UnicodeError:
        return data.decode("latin-1")


def _undecodable(file: str, data: bytes, encoding: str) -> SyntaxFault | None:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        before = _shown(data[: error.start], encoding)
        value = f"0x{data[error.start]:02x}"
        return SyntaxFault(f"the file is not {encoding} text: byte {value}", _end_of(file, before))
    except (LookupError, UnicodeError):
        return SyntaxFault(f"the file is not {encoding} text", file_start(file))
    return None


def _end_of(file: str, before: str) -> Span:
    """The character that follows a text."""
    lines = split_lines(before)
    column = len(lines[-1]) + 1
    return Span(file, len(lines), column, len(lines), column + 1)


def file_start(file: str) -> Span:
    """Where a file begins, for what concerns all of it."""
    return Span(file, 1, 1, 1, 1)
