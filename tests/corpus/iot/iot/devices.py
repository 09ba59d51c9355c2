from pyflow_core import wire_rpc
from typing_extensions import TypedDict


class Reading(TypedDict):
    device: str
    value: float


@wire_rpc("devices.read")
async def read(data: str) -> Reading:
    return {"device": data, "value": 0.0}


@wire_rpc("devices.update", timeout=30)
async def update(data: str) -> bool:
    return bool(data)


@wire_rpc("alerts.raise")
async def raise_alert(data: str) -> None: ...
