from pyflow_core import wire_rpc


@wire_rpc("x.run")
async def run(data: str) -> str:
    return data
