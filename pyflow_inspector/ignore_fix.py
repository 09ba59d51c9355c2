"""Codes taken out of `# pyflow: ignore[…]` comments that silence nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflow_core.metadata import Edit, Fix, Span

if TYPE_CHECKING:
    from collections.abc import Collection

_IGNORE = re.compile(r"#\s*pyflow:\s*ignore\[([^\]]*)\]")


def ignore_fix(file: str, line: int, text: str, codes: Collection[str]) -> Fix | None:
    """Take `codes` out of the comment on a line, and the comment away if nothing is left of it.

    `text` is the line without its end. What else the comment says stays. Nothing if there is no such comment, or if
    the line has two.
    """
    found = list(_IGNORE.finditer(text))
    if len(found) != 1:
        return None
    (match,) = found
    kept = [code for code in (one.strip() for one in match[1].split(",")) if code and code not in codes]
    if kept:
        start, end, put = match.start(1), match.end(1), ", ".join(kept)
    else:
        start, end, put = _around(text, match)
    edit = Edit(Span(file, line, start + 1, line, end + 1), put)
    return Fix("remove what is ignored without need", safe=True, edits=(edit,))


def _around(text: str, match: re.Match[str]) -> tuple[int, int, str]:
    """The comment with the blanks before it, or after it where another comment follows."""
    rest = text[match.end() :]
    if not rest.strip():
        return len(text[: match.start()].rstrip()), len(text), ""
    blanks = len(rest) - len(rest.lstrip())
    return match.start(), match.end() + blanks, "" if rest.lstrip().startswith("#") else "# "
