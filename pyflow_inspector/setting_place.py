"""Where a setting stands in `pyproject.toml`, so that findings can point at it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflow_core.metadata import Span

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE = "pyproject.toml"
_TABLE = re.compile(r"\s*\[\s*tool\s*\.\s*pyflow\s*\]")
_ANY_TABLE = re.compile(r"\s*\[")


def setting_span(root: Path, key: str) -> Span:
    """The value of `key` in `[tool.pyflow]`; the first character of the file if it is not found there."""
    path = root / SETTINGS_FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    inside = False
    for number, line in enumerate(lines, start=1):
        if _ANY_TABLE.match(line):
            inside = _TABLE.match(line) is not None
        match = re.match(rf"\s*{re.escape(key)}\s*=\s*(\S.*?)\s*(?:#.*)?$", line) if inside else None
        if match is not None:
            return Span(SETTINGS_FILE, number, match.start(1) + 1, number, match.end(1) + 1)
    return Span(SETTINGS_FILE, 1, 1, 1, 2)
