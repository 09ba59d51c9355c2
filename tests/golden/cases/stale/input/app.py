from __future__ import annotations

from pyflow_core import wire_workflow


@wire_workflow("ping")
async def ping(data: str) -> int:
    return len(data)
