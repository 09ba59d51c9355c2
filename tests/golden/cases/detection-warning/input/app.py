from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("rpc.name")
async def target(data: str) -> str:
    return data


@wire_workflow("flow")
async def flow(data: list[str], *, workflow) -> None:
    for step in data:
        await workflow.do(step, "rpc.name", step)
        await workflow.do(f"described-{step}", "rpc.name", step, description="Create user account")
