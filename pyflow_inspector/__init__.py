"""Reads the source of a project, never importing it: metadata and findings come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.render import render_github, render_json, render_sarif, render_text
from pyflow_inspector.rules import RULES, Rule
from pyflow_inspector.settings import InspectorSettings

if TYPE_CHECKING:
    from pyflow_core.metadata import Metadata

__all__ = [
    "RULES",
    "InspectorSettings",
    "Rule",
    "inspect_project",
    "render_github",
    "render_json",
    "render_sarif",
    "render_text",
]


def inspect_project(settings: InspectorSettings) -> Metadata:
    """Everything that the source of a project says: workflows, their steps, RPCs, findings.

    What cannot be read becomes a finding; nothing of the project is imported or executed. The same source gives
    the same metadata, on every machine.

    Raises:
        OSError: a file of the project cannot be opened.
    """
    from pyflow_inspector.inspecting import inspect

    return inspect(settings)
