from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from pyflow_core import PermissionDeniedError, RunFailedError
from pyflow_core.testing import FakeRpc, FakeWorkflow, returns

from onboarding_app.models import CreateUser, OnboardingInput, OnboardingOutput, Tier, User
from onboarding_app.pyflow_gen import connect, workflows
from onboarding_app.services import open_services
from onboarding_app.workflows import onboarding

if TYPE_CHECKING:
    from pathlib import Path

ADA = OnboardingInput(email="ada@example.com")


def fake_user(data: CreateUser) -> User:
    return User(id="1", **data.model_dump())


def run_with_fakes(data: OnboardingInput) -> tuple[OnboardingOutput, list[str]]:
    workflow = FakeWorkflow(
        {
            "users.create": fake_user,
            "email.send_verification": returns(None),
            "premium.setup": returns(Tier(name="premium", features=[])),
        }
    )
    rpc = FakeRpc({"notify.sms": returns(True), "settings.get_defaults": returns({"theme": "dark"})})
    output = asyncio.run(onboarding(data, workflow=workflow, rpc=rpc, logger=logging.getLogger()))
    return output, [step for step, _, _ in workflow.calls]


def test_a_workflow_is_a_function() -> None:
    output, steps = run_with_fakes(ADA)
    assert steps == ["createUser", "calculateTaxRate", "validateEmail", "setupStandard", "sendWelcome"]
    assert (output.tier, output.tax_rate) == ("standard", 0.2)


def test_a_premium_user_takes_the_other_branch() -> None:
    output, steps = run_with_fakes(OnboardingInput(email="bob@example.com", region="US", premium=True))
    assert "setupPremium" in steps
    assert "setupStandard" not in steps
    assert (output.tier, output.tax_rate) == ("premium", 0.08)


def test_the_engine_runs_it_to_its_end(tmp_path: Path) -> None:
    services = open_services(tmp_path)

    async def scenario() -> OnboardingOutput:
        async with connect(state="memory://", services=services, worker=True):
            return await workflows.onboarding.run(ADA, timeout=30)

    output = asyncio.run(scenario())
    assert (output.tier, output.welcomed) == ("standard", True)
    assert output.settings == {"theme": "dark", "language": "en"}
    assert len(services.mailer.messages()) == len(services.sms.messages()) == 1


def test_the_same_run_id_is_the_same_run(tmp_path: Path) -> None:
    services = open_services(tmp_path)

    async def scenario() -> None:
        async with connect(state="memory://", services=services, worker=True):
            for _ in range(2):
                await workflows.onboarding.run(ADA, run_id="signup-ada", timeout=30)

    asyncio.run(scenario())
    assert services.db.count_users() == 1


def test_a_taken_address_fails_the_run_without_retries(tmp_path: Path) -> None:
    services = open_services(tmp_path)

    async def scenario() -> None:
        async with connect(state="memory://", services=services, worker=True):
            await workflows.onboarding.run(ADA, timeout=30)
            with pytest.raises(RunFailedError, match="signed up already"):
                await workflows.onboarding.run(ADA, timeout=30)

    asyncio.run(scenario())


def test_a_permission_refuses_before_there_is_a_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with connect(state="memory://", services=open_services(tmp_path)):
            with pytest.raises(PermissionDeniedError):
                await workflows.onboarding.start(OnboardingInput(email="x@spam.example"))
            assert (await workflows.onboarding.list_runs()).runs == ()

    asyncio.run(scenario())
