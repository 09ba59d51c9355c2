from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from subs.functions import Plan

if TYPE_CHECKING:
    from pyflow_core import Logger
    from pyflow_gen.subscribe import Workflow


@wire_workflow("subscribe", description="Starts a plan", tags=["plans"])
async def subscribe(data: Plan, *, workflow: Workflow, logger: Logger) -> bool:
    if data.trial:
        await workflow.do("welcome-trial", "mail.template", "trial")
        return True
    paid = await workflow.do("first-charge", "plans.charge", data, retries=5, retry_delay="10s")
    if not paid:
        await workflow.do("declined", "mail.template", "declined")
        return False
    await workflow.do("welcome", "mail.template", "welcome")
    logger.info("subscribed")
    return True


@wire_workflow("renew")
async def renew(data: Plan, *, workflow: Workflow) -> None:
    for month in range(1, data.months + 1):
        paid = await workflow.do(f"charge-{month:02}", "plans.charge", data)
        if not paid:
            await workflow.do(f"dun-{month:02}", "mail.template", "dunning")
            continue
        await workflow.do(f"thank-{month:02}", "mail.template", "thanks")


@wire_workflow("churn")
async def churn(data: str, *, workflow: Workflow) -> str:
    reason = await workflow.do("reason", lambda: "price")
    if reason == "price":
        await workflow.do("offer", "mail.template", "offer")
        outcome = "offered"
    elif reason == "product":
        await workflow.do("survey", "mail.template", "survey")
        outcome = "asked"
    else:
        outcome = "gone"
    if outcome == "gone":
        await asyncio.gather(
            workflow.do("cancel", "plans.cancel", data),
            workflow.do("crm", "crm.update", data),
        )
    return outcome


@wire_workflow("win-back")
async def win_back(data: list[str], *, workflow: Workflow) -> int:
    results = await asyncio.gather(
        *[workflow.do(f"mail-{who}", "mail.template", who, description=f"Mail to {who}") for who in data],
        return_exceptions=True,
    )
    failed = [one for one in results if isinstance(one, BaseException)]
    await workflow.do("report", lambda: len(failed))
    return len(results) - len(failed)


@wire_workflow("pause")
async def pause_plan(data: str, *, workflow: Workflow) -> None:
    await workflow.do("pause", "plans.pause", data)
    try:
        await workflow.do("crm", "crm.update", data)
    except Exception as error:
        await workflow.do("note", lambda: str(error))


@wire_workflow("upgrade")
async def upgrade(data: Plan, *, workflow: Workflow) -> float:
    proration = await workflow.do(
        "proration",
        lambda: round(
            data.price / 30,
            2,
        ),
        description="Work out what is left of the month",
        returns=float,
    )
    charged = (
        await workflow.do("charge", "plans.charge", data)
        and await workflow.do("confirm", lambda: True)
    )
    return proration if charged else 0.0


@wire_workflow("gift")
async def gift(data: Plan, *, workflow: Workflow) -> None:
    giver, receiver = data.customer.split("/")
    tasks = {
        "giver": asyncio.create_task(workflow.do("giver", "mail.template", giver)),
        "receiver": asyncio.create_task(workflow.do("receiver", "mail.template", receiver)),
    }
    for task in tasks.values():
        await task


@wire_workflow("audit-plans")
async def audit_plans(data: list[Plan], *, workflow: Workflow) -> dict[str, bool]:
    return {
        plan.customer: await workflow.do(f"audit-{plan.customer}", "plans.charge", plan)
        for plan in data
        if plan.price
    }
