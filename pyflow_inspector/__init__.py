"""Reads the source of a project, never importing it: metadata and findings come out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from pyflow_inspector.settings import InspectorSettings

if TYPE_CHECKING:
    from pyflow_core.metadata import Metadata
    from pyflow_inspector.findings import Findings
    from pyflow_inspector.render import render_github, render_json, render_sarif, render_text
    from pyflow_inspector.rules import RULES, Rule

__all__ = [
    "RULES",
    "Findings",
    "InspectorSettings",
    "Rule",
    "check_project",
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


def check_project(settings: InspectorSettings) -> Findings:
    """The findings alone, which are sooner there: those that `inspect_project` gives with everything else.

    Raises:
        OSError: a file of the project cannot be opened.
    """
    from pyflow_inspector.inspecting import check

    return check(settings)


_HOME = {
    "Findings": "findings",
    "RULES": "rules",
    "Rule": "rules",
    "render_github": "render",
    "render_json": "render",
    "render_sarif": "render",
    "render_text": "render",
}
"""Where the names lie that are imported when they are first used: where nothing has changed, no rule is."""


if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name: str) -> object:
        """One of those names.

        Raises:
            AttributeError: there is none of this name.
        """
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
