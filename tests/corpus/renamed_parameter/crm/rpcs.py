from pyflow_core import wire_rpc


@wire_rpc("leads.score")
async def score(data: str) -> int:
    return len(data)


@wire_rpc("leads.assign")
async def assign(data: str) -> None: ...
