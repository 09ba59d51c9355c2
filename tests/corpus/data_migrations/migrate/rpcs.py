from pyflow_core import wire_rpc


@wire_rpc("rows.copy", retries=3)
async def copy_row(data: str) -> None: ...


@wire_rpc("rows.count")
async def count(data: str) -> int:
    return len(data)


@wire_rpc("chat.post")
async def post(data: str) -> None: ...
