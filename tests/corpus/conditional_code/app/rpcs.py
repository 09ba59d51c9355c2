from pyflow_core import wire_rpc


@wire_rpc("pay.card")
async def card(data: str) -> str:
    return data


@wire_rpc("pay.wire")
async def wire(data: str) -> str:
    return data
