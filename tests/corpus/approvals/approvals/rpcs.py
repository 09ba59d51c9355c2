from pyflow_core import RpcError, wire_rpc


class Rejected(RpcError):
    code = "rejected"


@wire_rpc("requests.file")
async def file_request(data: str) -> str:
    return data


@wire_rpc("requests.decide", raises=[Rejected], retries=100)
async def decide(data: str) -> bool:
    return bool(data)


@wire_rpc("people.notify")
async def notify(data: str) -> None: ...
