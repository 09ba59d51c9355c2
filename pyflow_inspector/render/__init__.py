"""Findings as text for people, as JSON for programs, and in the forms that code hosts take."""

from pyflow_inspector.render.as_github import render_github
from pyflow_inspector.render.as_json import render_json
from pyflow_inspector.render.as_sarif import render_sarif
from pyflow_inspector.render.as_text import render_text

__all__ = ["render_github", "render_json", "render_sarif", "render_text"]
