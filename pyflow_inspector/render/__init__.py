"""Findings as text for people and as JSON for programs."""

from pyflow_inspector.render.as_json import render_json
from pyflow_inspector.render.as_text import render_text

__all__ = ["render_json", "render_text"]
