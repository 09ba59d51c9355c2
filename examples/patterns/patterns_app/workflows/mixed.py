"""Both forms of a step: RPCs for what touches the world, functions for what only calculates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from patterns_app.models import Basket, Charge, PricedOrder

if TYPE_CHECKING:
    from patterns_app.pyflow_gen.mixed import Workflow


@wire_workflow("mixed", description="Order, tax, total, payment")
async def mixed(data: Basket, *, workflow: Workflow) -> PricedOrder:
    # RPC form: an API of somebody else.
    order = await workflow.do("createOrder", "orders.create", data)

    # Inline form: a calculation.
    tax = await workflow.do("calculateTax", lambda: order.subtotal * 8 // 100, description="Calculate sales tax")

    # Inline form: a transformation. `returns=` says what a lambda cannot: the type of its result.
    enriched = await workflow.do(
        "enrichOrder",
        lambda: PricedOrder(**order.model_dump(), tax=tax, total=order.subtotal + tax),
        returns=PricedOrder,
    )

    # RPC form again.
    await workflow.do("chargePayment", "stripe.charge", Charge(customer_id=enriched.customer_id, amount=enriched.total))
    return enriched
