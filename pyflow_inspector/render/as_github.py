"""Findings as workflow commands of GitHub Actions, which shows them beside the changed lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.render.excerpt import printable
from pyflow_inspector.render.place import path_from

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render_github(diagnostics: Iterable[Diagnostic], root: Path, base: Path) -> str:
    """A line for each finding, with paths from `base`, the folder of the repository; empty text for none."""
    return "".join(f"{_command(one, path_from(base, root, one.file))}\n" for one in diagnostics)


def _command(one: Diagnostic, path: str) -> str:
    place: dict[str, str | int] = {"file": path, "line": one.line, "endLine": one.end_line}
    if one.line == one.end_line:  # columns of different lines cannot be shown
        place |= {"col": one.column, "endColumn": one.end_column}
    place["title"] = f"{one.code} {one.name}"
    properties = ",".join(f"{name}={_escape_property(str(value))}" for name, value in place.items())
    text = one.message if one.help is None else f"{one.message}\nhelp: {one.help}"
    shown = "\n".join(printable(line) for line in text.splitlines())
    return f"::{_COMMANDS[one.severity]} {properties}::{_escape(shown)}"


def _escape(text: str) -> str:
    """What would end the line is written as the runner reads it back."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    """Also what would end the value of a property."""
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
