"""Three ways to call an RPC, and what each is for.

| | kept for replay | its own queue | retries | good for |
| --- | --- | --- | --- | --- |
| `workflow.do(step, rpc, data)` | yes | yes | its own | APIs, databases, whatever may fail or take long |
| `workflow.do(step, lambda: rpc.invoke(…))` | yes | no | of the step | quick calls whose answer must stay the same |
| `rpc.invoke(rpc, data)` | no | no | none | reading what decides nothing; asked again on replay |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from patterns_app.models import Lookup, ThreeWays

if TYPE_CHECKING:
    from patterns_app.pyflow_gen.three_ways import Rpc, Workflow


@wire_workflow("three-ways", description="The same RPC, called in three ways")
async def three_ways(data: Lookup, *, workflow: Workflow, rpc: Rpc) -> ThreeWays:
    queued = await workflow.do("queuedStatus", "orders.get_status", data)
    inline = await workflow.do("inlineStatus", lambda: rpc.invoke("orders.get_status", data))
    bare = await rpc.invoke("orders.get_status", data)
    return ThreeWays(queued=queued, inline=inline, bare=bare)
