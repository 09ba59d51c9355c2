from pyflow_core import wire_workflow

from .base import DEFAULT, Checklist, Tasks


@wire_workflow("starter")
async def starter(data: str, *, workflow) -> None:
    await Tasks.accounts(workflow, ["mail", "chat"])
    await Tasks.badge(workflow, data)
    await workflow.do("payroll", "payroll.add", data)


@wire_workflow("checklist")
async def checklist(data: list[str], *, workflow) -> None:
    mine = Checklist("me")
    await mine.tick_all(workflow, *data)


@wire_workflow("checklist-module")
async def checklist_module(data: str, *, workflow) -> None:
    await DEFAULT.tick(workflow, "laptop")
