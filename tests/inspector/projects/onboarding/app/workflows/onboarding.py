from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import BaseModel

from app.functions import Charge, CreateUser, Notify
from app.middleware import audit
from pyflow_core import Logger, WorkflowDocs, wire_workflow

if TYPE_CHECKING:
    from pyflow_gen.onboarding import Rpc, Workflow


class OnboardingInput(BaseModel):
    email: str
    channels: list[str] = ["email"]


class OnboardingOutput(BaseModel):
    user_id: str
    tax_rate: float
    settings: dict[str, str]


@wire_workflow(
    "onboarding",
    description="Onboards a new user with email verification",
    middleware=[audit],
    tags=["onboarding"],
    docs=WorkflowDocs(summary="User onboarding workflow", tags=["onboarding"]),
)
async def onboarding(data: OnboardingInput, *, workflow: Workflow, rpc: Rpc, logger: Logger) -> OnboardingOutput:
    user = await workflow.do("createUser", "users.create", CreateUser(email=data.email), description="Create account")
    tax = await workflow.do("calculateTaxRate", lambda: 0.2 if user.region == "EU" else 0.08)
    await asyncio.gather(*(workflow.do(f"notify-{c}", "notify.send", Notify(channel=c)) for c in data.channels))
    async with asyncio.TaskGroup() as group:
        paid = group.create_task(workflow.do("charge", "billing.charge", Charge(user_id=user.id, cents=100), retries=5))
    found = await workflow.do("find", "lookup.find", {"key": user.id})
    settings = await rpc.invoke("settings.get")
    logger.info("paid %s at %s", paid.result()["number"], found)
    return OnboardingOutput(user_id=user.id, tax_rate=tax, settings=settings)
