"""Text that may stand in generated Python.

Templates print nothing but `Code`: whatever a user wrote becomes Python only through `identifier`, `import_path` or
`literal`, so that a hostile name cannot become code.
"""

from __future__ import annotations

import keyword
import unicodedata
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Code(str):
    """A piece of Python that was made by one of the functions that check what they are given."""

    __slots__ = ()


class Name(Code):
    """A name, dotted or not."""

    __slots__ = ()


class Text(str):
    """A text of any kind, which templates print as a literal."""

    __slots__ = ()


class Summary(str):
    """A text of any kind, which templates print as a docstring."""

    __slots__ = ()


class Remark(str):
    """A text of any kind, which templates print in a comment."""

    __slots__ = ()

    @property
    def shown(self) -> Code:
        """The text on one line, with escapes for what cannot be seen."""
        return Code("".join(char if char.isprintable() else repr(char)[1:-1] for char in self))


class UnsafeTextError(UsageError):
    """A text cannot become a name in generated code."""

    code = "unsafe_text"


class TemplateError(Exception):
    """A template gave something that generated code may not be."""


def identifier(text: str) -> Name:
    """The text as a name of Python."""
    # Python folds identifiers to NFKC, so another form of one would name something else than it shows.
    if not text.isidentifier() or keyword.iskeyword(text) or unicodedata.normalize("NFKC", text) != text:
        raise UnsafeTextError(f"{text!r} is no identifier")
    return Name(text)


def import_path(text: str) -> Name:
    """The text as a dotted name."""
    return Name(".".join(identifier(part) for part in text.split(".")))


def literal(value: Any) -> Code:
    """The value as a literal of texts, numbers, None, tuples, lists and dictionaries."""
    match value:
        case str():
            return Code(_quote(value))
        case None | bool() | int() | float():
            return Code(repr(value))
        case tuple() | list():
            return _sequence(cast(Any, value))
        case dict():
            return _mapping(cast(Any, value))
        case _:
            raise TemplateError(f"a {type(value).__name__} has no literal")


def _sequence(value: Sequence[Any]) -> Code:
    inner = ", ".join(literal(item) for item in value)
    if isinstance(value, list):
        return Code(f"[{inner}]")
    return Code(f"({inner},)" if len(value) == 1 else f"({inner})")


def _mapping(value: Mapping[Any, Any]) -> Code:
    return Code("{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}")


def _quote(text: str) -> str:
    """`repr` with the quotes that formatters prefer: double, unless that needs more backslashes."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escape(character, quote) for character in text) + quote


def _escape(character: str, quote: str) -> str:
    if character in "'\"":
        return f"\\{quote}" if character == quote else character
    return repr(character)[1:-1]


def docstring(text: str, width: int) -> str:
    """The text as the inside of a docstring: one paragraph, in which nothing can end the string or hide.

    Control, format and private characters become blanks; backslashes are doubled; quotes that could end it turn
    single. More than one line is wrapped at `width` and ends with a line break.
    """
    visible = "".join(char if char.isprintable() else " " for char in text)
    words = visible.replace("\\", "\\\\").split()
    paragraph = " ".join(words)
    if '"""' in paragraph or paragraph.startswith('"') or paragraph.endswith('"'):
        words = paragraph.replace('"', "'").split()
    lines = wrap(words, width - 3)
    if len(lines) == 1 and text_width(lines[0]) + 6 <= width:
        return lines[0]
    return "\n".join(lines) + "\n"


def wrap(words: list[str], width: int) -> list[str]:
    """The words in lines of at most `width` columns; a longer word has a line of its own."""
    lines: list[str] = []
    for word in words:
        if lines and text_width(lines[-1]) + 1 + text_width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def text_width(text: str) -> int:
    """Columns on a screen, as formatters count them: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
