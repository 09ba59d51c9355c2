from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import WorkflowContext, wire_workflow

if TYPE_CHECKING:
    from pyflow_gen.lead import Rpc, Workflow


@wire_workflow("lead")
async def lead(data: str, *, wf: Workflow) -> None:
    await wf.do("score", "leads.score", data)
    await wf.do("assign", "leads.assign", data)


@wire_workflow("contact")
async def contact(data: str, *, ctx: WorkflowContext) -> None:
    await ctx.do("score", "leads.score", data)


@wire_workflow("account")
async def account(data: str, *, wf) -> None:
    await wf.do("score", "leads.score", data)
    await _assign(wf, data)


async def _assign(flow, data):
    await flow.do("assign", "leads.assign", data)


@wire_workflow("opportunity")
async def opportunity(data: str, wf) -> None:
    await wf.do("score", "leads.score", data)


@wire_workflow("campaign")
async def campaign(data: str, *, flow: "Workflow", caller: "Rpc") -> None:
    do = flow.do
    await do("score", "leads.score", data)
    await caller.invoke("leads.assign", data)


@wire_workflow("positional")
async def positional(data: str, workflow) -> None:
    await workflow.do("score", "leads.score", data)
