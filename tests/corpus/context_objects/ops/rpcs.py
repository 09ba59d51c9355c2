from pyflow_core import wire_rpc


@wire_rpc("hosts.create", retries=3)
async def create_host(data: str) -> str:
    return data


@wire_rpc("hosts.delete")
async def delete_host(data: str) -> None: ...


@wire_rpc("dns.set")
async def set_dns(data: str) -> None: ...


@wire_rpc("chat.post")
async def post(data: str) -> None: ...
