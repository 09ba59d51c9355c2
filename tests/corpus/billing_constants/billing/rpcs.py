from pyflow_core import wire_rpc

from billing.names import RPC_PREFIX, Rpcs


@wire_rpc(f"{RPC_PREFIX}.create")
async def create(data: str) -> str:
    return data


@wire_rpc(Rpcs.SEND)
async def send(data: str) -> None: ...


@wire_rpc(RPC_PREFIX + ".archive")
async def archive(data: str) -> None: ...
