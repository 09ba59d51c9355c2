from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from shop.models import Cart, Receipt

if TYPE_CHECKING:
    from pyflow_gen.checkout import Workflow


@wire_workflow("checkout", description="From cart to parcel")
async def checkout(data: Cart, *, workflow: Workflow) -> Receipt:
    await workflow.do("reserve", "stock.reserve", data)
    receipt = await workflow.do(
        "charge",
        "payments.charge",
        data,
        description="Charge the card",
    )
    parcel = await workflow.do("book", "shipping.book", receipt.order_id, retries=2)
    await workflow.do("tell", "mail.send", f"{parcel} is on its way")
    return receipt


@wire_workflow("cancel-order")
async def cancel_order(data: str, *, workflow) -> None:
    await asyncio.gather(
        workflow.do("refund", "payments.refund", data),
        workflow.do("release", "stock.release", data),
    )


@wire_workflow(name="express-checkout", tags=["orders", "express"])
async def express(data: Cart, *, workflow, logger) -> float:
    if data.express:
        surcharge = await workflow.do("surcharge", lambda: data.total * 0.1)
    else:
        surcharge = 0.0
    logger.info("surcharge %s", surcharge)
    async with asyncio.TaskGroup() as group:
        group.create_task(workflow.do("reserve", "stock.reserve", data))
        group.create_task(workflow.do("charge", "payments.charge", data))
    return data.total + surcharge
