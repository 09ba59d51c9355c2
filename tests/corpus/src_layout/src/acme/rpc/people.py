from pyflow_core import wire_rpc


@wire_rpc("people.tell")
async def tell(data: str) -> None: ...
