"""Findings as text: what is wrong, where, the source with carets under it, and what to do."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from pyflow_inspector.render.excerpt import excerpt_lines, printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic

_SEVERITY_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "info": "\x1b[1;36m"}
_BOLD = "\x1b[1m"
_BLUE = "\x1b[1;34m"
_PLAIN = "\x1b[0m"


def render_text(diagnostics: Iterable[Diagnostic], root: Path, *, color: bool = False) -> str:
    """Each finding with its source excerpt, an empty line between two; empty text for none.

    The sources are read again below `root`; one that is gone leaves its findings without an excerpt.
    """
    sources: dict[str, list[str]] = {}
    blocks: list[str] = []
    for one in diagnostics:
        if one.file not in sources:
            sources[one.file] = _read_lines(root / one.file)
        blocks.append("\n".join(_block(one, sources[one.file], color=color)))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _block(one: Diagnostic, lines: list[str], *, color: bool) -> list[str]:
    def paint(text: str, style: str) -> str:
        return f"{style}{text}{_PLAIN}" if color else text

    excerpt = excerpt_lines(one, lines)
    width = max((len(number) for number, _ in excerpt), default=1)
    margin = " " * width
    title = paint(f"{one.severity}[{one.code}]", _SEVERITY_COLORS[one.severity])
    block = [
        f"{title}{paint(f': {printable(one.message)}', _BOLD)}",
        f"{margin}{paint('-->', _BLUE)} {printable(one.file)}:{one.line}:{one.column}",
    ]
    bar = paint("|", _BLUE)
    if excerpt:
        block.append(f"{margin} {bar}")
    for number, text in excerpt:
        is_marks = not number and set(text) <= {" ", "^"}
        shown = paint(text, _SEVERITY_COLORS[one.severity]) if is_marks else text
        block.append(f"{paint(number.rjust(width), _BLUE)} {bar} {shown}".rstrip())
    if one.help is not None:
        first, *rest = one.help.splitlines()
        block.append(f"{margin} {paint('=', _BLUE)} {paint('help:', _BOLD)} {printable(first)}")
        block.extend(f"{margin}         {printable(line)}" for line in rest)
    if one.fix is not None:
        option = "--fix" if one.fix.safe else "--unsafe-fixes"
        text = f"[fixable] `pyflow check {option}` will {one.fix.description}"
        block.append(f"{margin} {paint('=', _BLUE)} {paint('help:', _BOLD)} {printable(text)}")
    return block


def _read_lines(path: Path) -> list[str]:
    """The lines of a file as the inspector counts them; undecodable bytes are shown as �."""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        encoding = "utf-8"
    return re.split(r"\r\n|\r|\n", _decoded(data, encoding))


def _decoded(data: bytes, encoding: str) -> str:
    """The text; an encoding of something else than text, such as `rot13`, is no reason to show nothing."""
    try:
        return data.decode(encoding, errors="replace")
    except (LookupError, UnicodeError):
        return data.decode(errors="replace")
