"""The workflow. Whatever process dies, an order is charged once, and ends shipped, or with its goods back in stock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import Logger, WorkflowDocs, wire_workflow

from orders_app.functions import CardDeclinedError
from orders_app.models import (
    ChargeCard,
    Order,
    OrderInput,
    OrderOutput,
    ReleaseStock,
    ReserveStock,
    SendMail,
    ShipOrder,
    Totals,
)
from orders_app.pyflow_gen import rpcs

if TYPE_CHECKING:
    from pyflow_core import WorkflowContext

    from orders_app.pyflow_gen.order_fulfillment import Workflow

TAX_PERCENT = 20


@wire_workflow(
    "order-fulfillment",
    description="Takes an order from reservation to shipment",
    tags=["orders"],
    docs=WorkflowDocs(
        summary="Order fulfillment",
        description="Reserves the goods, charges the card, ships; puts everything back if the card is declined.",
        tags=["orders"],
    ),
)
async def order_fulfillment(data: OrderInput, *, workflow: Workflow, logger: Logger) -> OrderOutput:
    order = await workflow.do("createOrder", "orders.create", data, description="Price the order")

    # A fan-out: every line is a step of its own, and all of them are asked for in one commit.
    reservations = await asyncio.gather(
        *(
            workflow.do(
                f"reserve-{line.sku}",
                "stock.reserve",
                ReserveStock(order_id=order.id, sku=line.sku, quantity=line.quantity),
                description=f"Reserve {line.quantity} {line.sku}",
            )
            for line in order.lines
        )
    )
    reserved = [reservation.sku for reservation in reservations if reservation.complete]
    missing = [reservation.sku for reservation in reservations if not reservation.complete]
    if missing:
        await release(workflow, order, reserved)
        return OrderOutput(order_id=order.id, status="out of stock", reason=f"too few: {', '.join(missing)}")

    totals = await workflow.do(
        "calculateTotals", lambda: totals_of(order), returns=Totals, description="Add up prices and tax"
    )

    # A declared error is caught by its class, live and on replay alike.
    try:
        receipt = await workflow.do(
            "chargeCard",
            "payments.charge",
            ChargeCard(order_id=order.id, card=data.card, amount=totals.total),
            description="Charge the card",
        )
    except CardDeclinedError as error:
        await release(workflow, order, reserved)
        return OrderOutput(order_id=order.id, status="declined", reason=error.reason)

    # Two things at once, both of which must succeed.
    async with asyncio.TaskGroup() as group:
        shipment = group.create_task(
            workflow.do(
                "bookCarrier",
                "carrier.book",
                ShipOrder(order_id=order.id, parcels=len(order.lines)),
                description="Book the shipment",
            )
        )
        group.create_task(
            workflow.do(
                "sendInvoice",
                "mail.send",
                SendMail(to=order.email, subject="Your invoice", text=f"{totals.total} cents, {receipt.charge_id}"),
                description="Send the invoice",
            )
        )

    tracking = shipment.result().tracking
    logger.info("%s is on its way as %s", order.id, tracking)
    return OrderOutput(order_id=order.id, status="shipped", total=totals.total, tracking=tracking)


async def release(workflow: WorkflowContext, order: Order, skus: list[str]) -> None:
    """Compensation: a helper that any workflow may call, and so it takes typed references."""
    await asyncio.gather(
        *(
            workflow.do(
                f"release-{sku}",
                rpcs.stock.release(ReleaseStock(order_id=order.id, sku=sku)),
                description=f"Put {sku} back",
            )
            for sku in skus
        )
    )


def totals_of(order: Order) -> Totals:
    """The sums of an order."""
    subtotal = sum(line.unit_price * line.quantity for line in order.lines)
    tax = subtotal * TAX_PERCENT // 100
    return Totals(subtotal=subtotal, tax=tax, total=subtotal + tax)
