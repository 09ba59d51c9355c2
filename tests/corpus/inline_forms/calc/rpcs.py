from pyflow_core import wire_rpc


@wire_rpc("rates.fetch")
async def fetch(data: str) -> float:
    return 1.0
