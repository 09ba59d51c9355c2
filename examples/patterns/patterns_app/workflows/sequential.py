"""Steps one after the other. Each is done before the next is asked for, and none is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from patterns_app.models import Account, Mail

if TYPE_CHECKING:
    from patterns_app.pyflow_gen.sequential import Workflow


@wire_workflow("sequential", description="Three steps with descriptions")
async def sequential(data: Account, *, workflow: Workflow) -> str:
    account = await workflow.do("createAccount", "accounts.create", data, description="Create primary account record")
    customer_id = await workflow.do(
        "setupPayment",
        "stripe.create_customer",
        account,
        description="Initialize Stripe customer and payment method",
    )
    await workflow.do(
        "sendWelcome",
        "email.send_template",
        Mail(to=data.email, template="welcome"),
        description="Send welcome email with getting started guide",
    )
    return customer_id
