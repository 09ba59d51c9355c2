from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("rpc.name")
async def target(data: str) -> str:
    return data


@wire_workflow("flow")
async def flow(data: str, *, workflow) -> None:
    await workflow.do("step", "rpc.name", data)
