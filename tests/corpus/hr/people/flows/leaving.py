from pyflow_core import wire_workflow

from people.flows import base


@wire_workflow("leaver")
async def leaver(data: str, *, workflow) -> None:
    await base.Tasks.disabled(workflow, data)
    for days in (1, 7, 30):
        await workflow.do(f"reminder-{days}", lambda: None)


@wire_workflow("contractor-end")
async def contractor_end(data: str, *, workflow) -> None:
    disable = base.Tasks.disabled
    await disable(workflow, data)
