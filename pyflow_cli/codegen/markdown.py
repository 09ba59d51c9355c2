"""Text of users in Markdown: shown as it is, never as markup."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~&<>$^=:@])")


class Markdown(str):
    """A piece of Markdown that was made by one of these functions."""

    __slots__ = ()


def one_line(text: str) -> str:
    """The text on one line, without what cannot be seen."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def plain(text: str) -> Markdown:
    """The text in a paragraph or in the cell of a table."""
    escaped = _SPECIAL.sub(r"\\\1", one_line(text))
    # Between words these do no harm, and prose reads better in its source without the backslashes.
    return Markdown(re.sub(r"(?<=[\w ])\\([-.:,=@+])(?=[\w ]|$)", r"\1", escaped) if _starts_safe(escaped) else escaped)


def _starts_safe(text: str) -> bool:
    return bool(text) and text[0].isalpha()


@lru_cache(maxsize=16384)
def code(text: str) -> Markdown:
    """The text as code, in the cell of a table too."""
    shown = one_line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return Markdown(f"{fence}{space}{shown}{space}{fence}" if shown else "")


def link(label: Markdown, target: str) -> Markdown:
    """A link to a file."""
    return Markdown(f"[{label}]({quote(target, safe='/.-_~', errors='replace')})")
