from pyflow_core import wire_rpc


@wire_rpc("tickets.open")
async def open_ticket(data: str) -> str:
    return data


@wire_rpc("tickets.close")
async def close_ticket(data: str) -> None: ...


@wire_rpc("mail.send")
async def send(data: str) -> None: ...
