import asyncio
from pathlib import Path

from pydantic import BaseModel

from pyflow_core import wire_rpc


class Order(BaseModel):
    item: str
    count: int


@wire_rpc("orders.price")
async def price(data: Order) -> int:
    print("a step prints this")
    return 5 * data.count


@wire_rpc("orders.charge", retries=1, retry_delay="10ms")
async def charge(data: int, *, folder: Path) -> str:
    if not (folder / "solvent").exists():
        raise ValueError("no money\non the account")
    return f"charged {data}"


@wire_rpc("orders.wait")
async def wait(*, folder: Path) -> str:
    (folder / "waiting").touch()
    while not (folder / "go").exists():  # noqa: ASYNC110 - a file is what a test can make
        await asyncio.sleep(0.01)
    return "waited"
