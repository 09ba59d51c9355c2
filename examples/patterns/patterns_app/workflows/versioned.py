"""Two versions of a step: runs that are in flight keep the one they began with.

What decides is part of the input, and so of the record. A run that began before `version` existed reads the default,
asks for `migrateData-v1` as it always did, and finds its recorded result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from patterns_app.models import Migration

if TYPE_CHECKING:
    from patterns_app.pyflow_gen.versioned import Workflow


@wire_workflow("versioned", description="Migrates a user, the old way or the new way")
async def versioned(data: Migration, *, workflow: Workflow) -> str:
    if data.version == 1:
        return await workflow.do("migrateData-v1", "migration.legacy_process", data)
    return await workflow.do(
        "migrateData-v2", "migration.optimized_process", data, description="Migrate user data (fast path)"
    )
