"""Steps in a loop: the name holds what tells one item from the other, and nothing that differs between two replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from patterns_app.models import Items

if TYPE_CHECKING:
    from patterns_app.pyflow_gen.dynamic import Workflow


@wire_workflow("dynamic", description="One step for each item")
async def dynamic(data: Items, *, workflow: Workflow) -> list[str]:
    processed: list[str] = []
    for item in data.items:
        cache_key = f"processItem-{item.id}"
        result = await workflow.do(cache_key, "items.process", item, description=f"Process {item.type} item")
        processed.append(result)
    return processed
