"""The lines of source that a finding points at, with carets under them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic

TAB = "    "
MAX_WIDTH = 160
"""Wider lines are cut, around what is marked."""
MAX_LINES = 6
"""Longer findings show their first and their last lines."""

_CUT = "..."


def excerpt_lines(one: Diagnostic, lines: list[str]) -> list[tuple[str, str]]:
    """`(line number, text)` for each line to show; a line of carets has no number."""
    last = min(one.end_line, len(lines))
    numbers = list(range(one.line, last + 1))
    if len(numbers) > 1 and one.end_column == 1:
        numbers.pop()  # the span ends before the first character of its last line
    shown: list[tuple[str, str]] = []
    for number in _shortened(numbers):
        if number == 0:
            shown.append(("", _CUT))
            continue
        text = lines[number - 1]
        start = one.column if number == one.line else len(text) - len(text.lstrip()) + 1
        end = one.end_column if number == one.end_line else len(text) + 1
        source, marks = _marked(text, start - 1, max(end - 1, start))
        shown.append((str(number), source))
        if source or len(numbers) == 1:
            shown.append(("", marks))
    return shown


def _shortened(numbers: list[int]) -> list[int]:
    """The line numbers to show; 0 stands for those left out."""
    if len(numbers) <= MAX_LINES:
        return numbers
    head = MAX_LINES // 2
    return [*numbers[:head], 0, *numbers[-(MAX_LINES - head - 1) :]]


def _marked(text: str, start: int, end: int) -> tuple[str, str]:
    """A line and the carets under its characters from `start` to `end`, both as wide as a terminal shows them."""
    text, start, end = _cut(text, start, end)
    before, inside, after = (printable(part) for part in (text[:start], text[start:end], text[end:]))
    marks = " " * _width(before) + "^" * max(_width(inside), 1)
    return f"{before}{inside}{after}".rstrip(), marks


def _cut(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a long line that holds what is marked."""
    if len(text) <= MAX_WIDTH:
        return text, start, min(end, max(len(text), start + 1))
    left = max(0, min(start - MAX_WIDTH // 4, len(text) - MAX_WIDTH))
    right = min(len(text), left + MAX_WIDTH)
    head = _CUT if left else ""
    tail = _CUT if right < len(text) else ""
    shift = len(head) - left
    return f"{head}{text[left:right]}{tail}", start + shift, min(end, right) + shift


def printable(text: str) -> str:
    """`text` with tabs as spaces, and nothing in it that a terminal would obey."""
    if _is_plain(text):
        return text
    return "".join(_printable_character(character) for character in text)


def _is_plain(text: str) -> bool:
    """Whether every character is shown as it is, in one column, as those of nearly all source are."""
    return text.isascii() and text.isprintable()


def _printable_character(character: str) -> str:
    if character == "\t":
        return TAB
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return "�"
    return character


def _width(text: str) -> int:
    """How many columns a terminal gives to `text`."""
    if _is_plain(text):
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
