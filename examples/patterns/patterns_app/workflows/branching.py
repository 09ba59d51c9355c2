"""A branch is an `if`, decided by the result of a step. One arm waits for a person, for as long as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from patterns_app.functions import RejectedError
from patterns_app.models import NewUser, UserId

if TYPE_CHECKING:
    from patterns_app.pyflow_gen.branching import Workflow


@wire_workflow("branching", description="Verifies those users who must be verified")
async def branching(data: NewUser, *, workflow: Workflow) -> str:
    user = await workflow.do("createUser", "users.create", data)
    if user.requires_kyc:
        await workflow.do(
            "initiateKYC", "kyc.start", UserId(user_id=user.id), description="Start KYC verification process"
        )
        try:
            await workflow.do(
                "waitForKYC",
                "kyc.wait",
                UserId(user_id=user.id),
                description="Wait for KYC approval (may take days)",
            )
        except RejectedError:
            return "rejected"
    await workflow.do("activateAccount", "accounts.activate", UserId(user_id=user.id))
    return "active"
