from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("a.now")
async def now() -> int:
    return 1


@wire_workflow("flow")
async def flow(*, workflow) -> int:
    first = await workflow.do("first", "a.now")
    for number in range(first):
        await workflow.do(f"item-{number}", "a.now", description="One of many")
    return await workflow.do("last", lambda: first + 1)
