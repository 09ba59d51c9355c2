"""What a process that reads units is told, for those who tell it and must not import libcst."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceIndex

READY = b"ready\n"
"""How it answers the first line."""


def first_line(settings: InspectorSettings, index: SourceIndex) -> bytes:
    """What a reader must be told: of the settings only what reading depends on."""
    return _line_of(
        {
            "root": str(settings.root),
            "source": str(settings.source),
            "name": settings.name,
            "package": settings.package,
            "sources": [[str(s.path), s.file, s.module, s.is_package] for s in index.sources.values()],
        }
    )


def unit_line(unit: str) -> bytes:
    """The question for one unit."""
    return _line_of(unit)


def _line_of(document: Any) -> bytes:
    """A message."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
