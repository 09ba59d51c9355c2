import asyncio

from pyflow_core import WorkflowContext


async def notify(workflow: WorkflowContext, address: str) -> None:
    await workflow.do(f"notify-{address}", "mail.send", address)


async def notify_all(workflow, addresses):
    await asyncio.gather(*(notify(workflow, one) for one in addresses))
