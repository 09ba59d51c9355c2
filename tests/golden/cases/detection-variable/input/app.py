from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("rpc.name")
async def target(data: str) -> str:
    return data


@wire_workflow("flow")
async def flow(data: str, *, workflow) -> None:
    rpc_name = "rpc.name"
    await workflow.do("known", rpc_name, data)
    function = len
    await workflow.do("called", lambda: function(data))
    compute = lambda: 2
    await workflow.do("computed", compute)
    await workflow.do("unclear", data, data)
