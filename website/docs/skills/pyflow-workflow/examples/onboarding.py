"""Both forms of a step, a branch, a cached RPC and a bare one. RPCs and workflow in one file, to be read in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from pyflow_core import Logger, Step, WorkflowDocs, wire_rpc, wire_workflow

if TYPE_CHECKING:
    from pyflow_gen.onboarding import Rpc, Workflow


class OnboardingInput(BaseModel):
    email: str
    premium: bool = False


class OnboardingOutput(BaseModel):
    user_id: str
    tier: str
    tax_rate: float
    settings: dict[str, str]


class User(BaseModel):
    id: str
    email: str
    region: str
    premium: bool


class UserId(BaseModel):
    user_id: str


class Tier(BaseModel):
    name: str
    features: list[str]


@wire_rpc("users.create", retries=3, timeout="30s")
async def create_user(data: OnboardingInput, *, step: Step) -> User:
    # A real one inserts a row with a unique column that holds step.idempotency_key.
    return User(id=f"user-{step.idempotency_key}", email=data.email, region="EU", premium=data.premium)


@wire_rpc("email.send_verification", retries=5)
async def send_verification(data: UserId) -> None: ...


@wire_rpc("premium.setup", retries=3)
async def setup_premium(data: UserId) -> Tier:
    return Tier(name="premium", features=["exports"])


@wire_rpc("notify.sms")
async def notify_sms(data: UserId) -> bool:
    return True


@wire_rpc("settings.get_defaults")
async def get_default_settings() -> dict[str, str]:
    return {"theme": "dark"}


@wire_workflow(
    "onboarding",
    description="Onboards a new user with email verification",
    tags=["onboarding"],
    docs=WorkflowDocs(summary="User onboarding workflow", tags=["onboarding"]),
)
async def onboarding(data: OnboardingInput, *, workflow: Workflow, rpc: Rpc, logger: Logger) -> OnboardingOutput:
    # RPC form: a queue of its own, retries, isolation.
    user = await workflow.do("createUser", "users.create", data, description="Create new user account")

    # Inline form: a quick calculation, kept for replay.
    tax_rate = await workflow.do("calculateTaxRate", lambda: 0.2 if user.region == "EU" else 0.08)

    await workflow.do("validateEmail", "email.send_verification", UserId(user_id=user.id))

    # Branching is an `if` on what a step has returned.
    if user.premium:
        tier = await workflow.do("setupPremium", "premium.setup", UserId(user_id=user.id))
    else:
        tier = await workflow.do("setupStandard", lambda: Tier(name="standard", features=["basic"]), returns=Tier)

    # Inline form around an RPC: kept, without a queue.
    await workflow.do("sendWelcome", lambda: rpc.invoke("notify.sms", UserId(user_id=user.id)))

    # Bare: not kept, asked again on replay. It decides nothing.
    settings = await rpc.invoke("settings.get_defaults")

    logger.info("onboarded %s", user.id)
    return OnboardingOutput(user_id=user.id, tier=tier.name, tax_rate=tax_rate, settings=settings)
