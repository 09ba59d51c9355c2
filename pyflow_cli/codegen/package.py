"""Metadata to every file of the generated package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_cli.codegen.docs import render_docs
from pyflow_cli.codegen.meta import render_meta, workflow_part
from pyflow_cli.codegen.python import render_python

if TYPE_CHECKING:
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata


def render_package(metadata: Metadata, settings: Settings, *, docs: bool) -> dict[str, str]:
    """Every file by its path in the package. Nothing is read or written."""
    files = render_python(metadata, settings)
    parts = {workflow.name: workflow_part(workflow) for workflow in metadata.workflows}
    files["meta.json"] = render_meta(metadata, parts)
    files["py.typed"] = ""
    if docs:
        files |= render_docs(metadata, settings)
    return dict(sorted(files.items()))
