from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pyflow_core import Backoff, wire_rpc


@dataclass
class Plan:
    customer: str
    price: float
    months: int
    trial: bool = False


@wire_rpc("plans.charge", retries=3, retry_delay=Backoff(first=1, most=30))
async def charge(data: Plan) -> bool:
    return data.price > 0


@wire_rpc("plans.pause")
async def pause(data: str) -> None: ...


@wire_rpc("plans.cancel")
async def cancel(data: str) -> None: ...


@wire_rpc("mail.template", timeout=timedelta(seconds=20))
async def template(data: str) -> None: ...


@wire_rpc("crm.update")
async def update_crm(data: str) -> None: ...
