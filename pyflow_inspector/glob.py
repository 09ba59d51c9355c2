"""Globs of the settings: `*` and `?` stay within a segment, `**` goes across segments."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def path_matches(glob: str, file: str) -> bool:
    """Whether a glob matches a file, relative and with forward slashes, or a folder above it."""
    return any(_regex(glob).fullmatch(part) for part in _with_parents(file))


@lru_cache(maxsize=256)
def _regex(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.rstrip("/"))
    return re.compile("".join(_WILDCARDS.get(part, re.escape(part)) for part in parts))


def _with_parents(file: str) -> Iterator[str]:
    while file:
        yield file
        file = file.rpartition("/")[0]
