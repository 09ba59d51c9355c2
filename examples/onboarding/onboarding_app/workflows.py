"""The workflow: plain Python, in which no completed `workflow.do` is ever executed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import Logger, WorkflowDocs, wire_workflow

from onboarding_app.models import (
    CreateUser,
    OnboardingInput,
    OnboardingOutput,
    SetupPremium,
    Sms,
    Tier,
    Verification,
)
from onboarding_app.policy import audit, may_sign_up

if TYPE_CHECKING:
    from onboarding_app.pyflow_gen.onboarding import Rpc, Workflow


@wire_workflow(
    "onboarding",
    description="Onboards a new user with email verification",
    execution_mode="remote",
    middleware=[audit],
    permissions=[may_sign_up],
    tags=["onboarding", "users"],
    docs=WorkflowDocs(
        summary="User onboarding workflow",
        description="Creates user, verifies email, sets up account tier",
        tags=["workflows", "onboarding"],
    ),
)
async def onboarding(data: OnboardingInput, *, workflow: Workflow, rpc: Rpc, logger: Logger) -> OnboardingOutput:
    # RPC form: a queue worker of its own, with retries.
    user = await workflow.do(
        "createUser",
        "users.create",
        CreateUser(email=data.email, region=data.region, premium=data.premium),
        description="Create new user account",
    )

    # Inline form: a quick calculation in the orchestrator, kept for replay.
    tax_rate = await workflow.do(
        "calculateTaxRate",
        lambda: 0.2 if user.region == "EU" else 0.08,
        description="Calculate regional tax rate",
    )

    await workflow.do(
        "validateEmail",
        "email.send_verification",
        Verification(user_id=user.id, email=user.email),
        description="Send email verification link",
    )

    # Branching is an `if`.
    if user.premium:
        tier = await workflow.do(
            "setupPremium",
            "premium.setup",
            SetupPremium(user_id=user.id),
            description="Configure premium features and benefits",
        )
    else:
        tier = await workflow.do(
            "setupStandard",
            lambda: Tier(name="standard", features=["basic"]),
            returns=Tier,
            description="Set standard account features",
        )

    # Inline form around an RPC: kept for replay, without a queue.
    sms = Sms(user_id=user.id, text="Welcome!", key=f"{workflow.run_id}/sendWelcome")
    welcomed = await workflow.do(
        "sendWelcome",
        lambda: rpc.invoke("notify.sms", sms),
        description="Send welcome SMS notification",
    )

    # Bare invoke: not kept, asked again on every replay; good for reading what decides nothing.
    settings = await rpc.invoke("settings.get_defaults")

    logger.info("onboarded %s as %s", user.id, tier.name)
    return OnboardingOutput(user_id=user.id, tier=tier.name, tax_rate=tax_rate, welcomed=welcomed, settings=settings)
