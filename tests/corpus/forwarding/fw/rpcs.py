from pyflow_core import wire_rpc


@wire_rpc("j.run")
async def run(data: str) -> str:
    return data
