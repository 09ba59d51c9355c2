from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shop.functions import Item

from pyflow_core import WorkflowDocs, wire_workflow

if TYPE_CHECKING:
    from shop.pyflow_gen.orders import Rpc, Workflow
    from shop.pyflow_gen.tick import Workflow as Tick

FIND: Final = "find"


@wire_workflow(
    "orders",
    description='Ships "orders" | and <b>more</b>, for `{{ everyone }}`',
    tags=["shipping", "a|b"],
    docs=WorkflowDocs(summary="Orders", description="From the basket to the door."),
)
async def orders(data: list[Item], *, workflow: Workflow, rpc: Rpc) -> dict[str, int] | None:
    items = await workflow.do("list", "items.list", {"numbers": [1]}, retries=3, timeout="30s")
    if items is None:
        return None
    for item in items:
        await workflow.do(f"find-{item.number}", FIND, item.number, description="Look it up")
    page = await workflow.do("firstPage", "items.archive.pages.first")
    count = await workflow.do("count", lambda: len(page.items), returns=int)
    await rpc.invoke("now")
    return {"count": count}


@wire_workflow("tick", execution_mode="inline")
async def tick(*, workflow: Tick) -> None:
    await workflow.do("note", lambda: None)
