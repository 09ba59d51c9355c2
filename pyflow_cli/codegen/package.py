"""Metadata to every file of the generated package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyflow_cli.codegen.docs import render_docs
from pyflow_cli.codegen.python import render_python
from pyflow_cli.codegen.write import MARK

if TYPE_CHECKING:
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata


def render_package(metadata: Metadata, settings: Settings, *, docs: bool) -> dict[str, str]:
    """Every file by its path in the package. Nothing is read or written."""
    files = render_python(metadata, settings)
    files["meta.json"] = _meta(metadata)
    files["py.typed"] = ""
    if docs:
        files |= render_docs(metadata, settings)
    return dict(sorted(files.items()))


def _meta(metadata: Metadata) -> str:
    document: dict[str, Any] = {"generated": MARK, **metadata.to_json()}
    del document["diagnostics"]
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # Half of a surrogate pair is no text, but JSON has an escape for it, which is the one that Python writes.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
