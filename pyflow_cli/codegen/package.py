"""Metadata to every file of the generated package."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyflow_cli.codegen.block import Block
from pyflow_cli.codegen.docs import plan_docs
from pyflow_cli.codegen.fingerprint import Fingerprints, digest
from pyflow_cli.codegen.meta import render_meta, rpcs_part, workflow_part
from pyflow_cli.codegen.plan import FilePlan
from pyflow_cli.codegen.python import plan_python
from pyflow_cli.codegen.schema.catalogue import Catalogue
from pyflow_cli.codegen.schema.type_source import TypeSource

if TYPE_CHECKING:
    from pyflow_cli.codegen.plan import Sections
    from pyflow_cli.codegen.schema.catalogue import Modules
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata, WorkflowMeta


def plan_package(
    metadata: Metadata, settings: Settings, sections: Sections, types: dict[str, Modules], *, docs: bool
) -> dict[str, FilePlan]:
    """How each file is made, by its path in the package.

    Parts of files are taken from `sections`; `types` says from which modules types were read before, and is kept
    up to date. Nothing is read or written before a plan is rendered, and rendering raises what `plan_python` says.
    """
    prints = Fingerprints(metadata, settings)
    plans = plan_python(metadata, settings, prints, sections)
    plans["meta.json"] = FilePlan(prints.everything, lambda: _meta(metadata, prints, sections))
    plans["py.typed"] = FilePlan("", lambda: "")
    if docs:
        catalogue = Catalogue(TypeSource(settings.root / settings.source), types)
        plans |= plan_docs(metadata, settings, prints, catalogue)
    return dict(sorted(plans.items()))


def _meta(metadata: Metadata, prints: Fingerprints, sections: Sections) -> str:
    parts = {
        workflow.name: sections.get(f"meta {prints.workflows[workflow.name]}", partial(_meta_part, workflow)).text
        for workflow in metadata.workflows
    }
    rpcs = sections.get(f"rpcs {digest(prints.rpcs)}", lambda: Block(rpcs_part(metadata.rpcs), frozenset()))
    return render_meta(metadata, parts, rpcs.text)


def _meta_part(workflow: WorkflowMeta) -> Block:
    return Block(workflow_part(workflow), frozenset())
