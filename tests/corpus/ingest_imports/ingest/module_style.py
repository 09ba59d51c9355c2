import pyflow_core
import pyflow_core as pf


@pyflow_core.wire_workflow("reindex")
async def reindex(data: str, *, workflow: "pyflow_core.WorkflowContext") -> None:
    await workflow.do("load", "files.load", data)


@pf.wire_workflow("purge")
async def purge(data: str, *, workflow: pf.WorkflowContext) -> None:
    await workflow.do("purge", lambda: None)


async def compact(data: str, *, workflow) -> None:
    await workflow.do("compact", "rows.store", data)


pf.wire_workflow("compact", func=compact)
