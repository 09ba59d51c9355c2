"""How findings are printed."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_core.metadata import Diagnostic

_DISTRIBUTION = "pyflow-workflows"


class Format(StrEnum):
    """The forms of a list of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def render(form: Format, findings: Sequence[Diagnostic], root: Path, *, color: bool) -> str:
    """The findings of the project at `root`."""
    from pyflow_inspector import render_github, render_json, render_sarif, render_text

    match form:
        case Format.TEXT:
            return render_text(findings, root, color=color and sys.stdout.isatty())
        case Format.JSON:
            return render_json(findings)
        case Format.GITHUB:
            return render_github(findings, root, _repository(root))
        case Format.SARIF:
            version, docs = _about_pyflow()
            return render_sarif(findings, root, _repository(root), version=version, docs=docs)


def _repository(root: Path) -> Path:
    """The folder from which a code host counts paths, where one says so."""
    return Path(os.environ.get("GITHUB_WORKSPACE") or root)


def _about_pyflow() -> tuple[str, str | None]:
    """Its version and, where it is published, the address of its documentation."""
    from importlib.metadata import metadata

    about = metadata(_DISTRIBUTION)
    urls = dict(url.split(", ", 1) for url in about.get_all("Project-URL") or ())
    return about["Version"], urls.get("Documentation")
