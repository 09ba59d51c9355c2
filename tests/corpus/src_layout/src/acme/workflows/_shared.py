from __future__ import annotations

from typing import TYPE_CHECKING

from acme.flows_gen import rpcs

if TYPE_CHECKING:
    from pyflow_core import RpcRef, WorkflowContext

TELL = rpcs.people.tell


async def tell_owner(workflow: WorkflowContext, text: str) -> None:
    await workflow.do("tell-owner", TELL(text))


async def run_all(workflow: WorkflowContext, name: str, ref: RpcRef[str, str], items: list[str]) -> list[str]:
    return [await workflow.do(f"{name}-{item}", ref(item)) for item in items]
