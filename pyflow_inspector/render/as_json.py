"""Findings as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.metadata import Diagnostic


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """`{"version": 1, "diagnostics": […]}`, each finding as in the metadata; ends with a newline."""
    document = {"version": 1, "diagnostics": [asdict(one) for one in diagnostics]}
    return json.dumps(document, indent=2) + "\n"
