import asyncio
from pathlib import Path

from pydantic import BaseModel

from pyflow_core import Payload, Step, wire_rpc


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


class Report(BaseModel):
    title: str
    table: Payload[bytes]


@wire_rpc("reports.write")
async def write_report(data: int, *, step: Step) -> Report:
    table = await step.store([bytes(range(256)) * data], name="table.bin", content_type="application/x-table")
    return Report(title="r" * data, table=table)


@wire_rpc("reports.text")
async def write_text(data: int) -> str:
    return "x" * data


class Binding(BaseModel):
    pages: Payload[str]
    blank: int


@wire_rpc("reports.bind")
async def bind(data: Binding, *, step: Step) -> Payload[bytes]:
    text = await data.pages.load()
    return await step.store([text.encode(), b" " * data.blank], name="book.txt", content_type="text/plain")


@wire_rpc("orders.wait")
async def wait(*, folder: Path) -> str:
    (folder / "waiting").touch()
    while not (folder / "go").exists():  # noqa: ASYNC110 - a file is what a test can make
        await asyncio.sleep(0.01)
    return "waited"
