"""A fan-out, an error that is caught by its class, compensation, and two steps at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pyflow_core import RpcError, Step, wire_rpc, wire_workflow

if TYPE_CHECKING:
    from pyflow_gen.order_fulfillment import Workflow


class Line(BaseModel):
    sku: str
    quantity: int
    cents: int


class OrderInput(BaseModel):
    card: str
    lines: list[Line]


class OrderOutput(BaseModel):
    status: str
    tracking: str | None = None


class Reservation(BaseModel):
    sku: str
    complete: bool


class Charge(BaseModel):
    card: str
    cents: int


class CardDeclinedError(RpcError):
    """The card was declined. It is not retried, and found by its code."""

    code = "card_declined"


@wire_rpc("stock.reserve", retries=3)
async def reserve_stock(data: Line) -> Reservation:
    # Too few is an answer and no error: the workflow decides what follows.
    return Reservation(sku=data.sku, complete=True)


@wire_rpc("stock.release", retries=10)
async def release_stock(data: str) -> None: ...


@wire_rpc("payments.charge", retries=5, timeout="30s", raises=[CardDeclinedError])
async def charge_card(data: Charge, *, step: Step) -> str:
    # The provider gets step.idempotency_key, so that a second attempt does not charge twice.
    if data.card == "declined":
        raise CardDeclinedError
    return f"charge-{step.idempotency_key}"


@wire_rpc("carrier.book", retries=5, retry_delay="2s")
async def book_carrier(data: int) -> str:
    return "tracking-1"


@wire_rpc("mail.send", retries=5)
async def send_mail(data: str) -> None: ...


@wire_workflow("order-fulfillment", description="Takes an order from reservation to shipment")
async def order_fulfillment(data: OrderInput, *, workflow: Workflow) -> OrderOutput:
    reservations = await asyncio.gather(
        *(
            workflow.do(f"reserve-{line.sku}", "stock.reserve", line, description=f"Reserve {line.sku}")
            for line in data.lines
        )
    )
    reserved = [item.sku for item in reservations if item.complete]
    if len(reserved) < len(data.lines):
        await put_back(workflow, reserved)
        return OrderOutput(status="out of stock")

    total = await workflow.do("total", lambda: sum(line.cents * line.quantity for line in data.lines))
    try:
        receipt = await workflow.do("chargeCard", "payments.charge", Charge(card=data.card, cents=total))
    except CardDeclinedError:
        await put_back(workflow, reserved)
        return OrderOutput(status="declined")

    async with asyncio.TaskGroup() as group:
        shipment = group.create_task(workflow.do("bookCarrier", "carrier.book", len(data.lines)))
        group.create_task(workflow.do("sendInvoice", "mail.send", receipt))
    return OrderOutput(status="shipped", tracking=shipment.result())


async def put_back(workflow: Workflow, skus: list[str]) -> None:
    """Compensation is a helper: it gets `workflow` handed on."""
    for sku in skus:
        await workflow.do(f"release-{sku}", "stock.release", sku, description=f"Put {sku} back")
