from __future__ import annotations

from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("users.create")
async def create_user(data: str) -> str:
    return data


@wire_rpc("users")
async def users(data: str) -> str:
    return data


@wire_workflow("onboarding")
async def onboarding(data: str, *, workflow) -> str:
    return await workflow.do("createUser", "users.creat", data)
