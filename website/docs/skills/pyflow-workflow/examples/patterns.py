"""One small workflow for each pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from pyflow_core import RpcError, wire_rpc, wire_workflow

if TYPE_CHECKING:
    from pyflow_gen import branching, dynamic, mixed, sequential, three_ways, versioned


class User(BaseModel):
    id: str
    requires_kyc: bool = False


class Item(BaseModel):
    id: str
    type: str


class Migration(BaseModel):
    user_id: str
    version: int = 1  # runs that began before this field existed are of version 1


class Order(BaseModel):
    id: str
    subtotal: int


class Priced(Order):
    total: int


class UndecidedError(Exception):
    """Nobody has decided yet: the step is tried again."""


class RejectedError(RpcError):
    """Somebody has said no."""

    code = "kyc_rejected"


@wire_rpc("accounts.create", retries=3)
async def create_account(data: User) -> str:
    return f"account-{data.id}"


@wire_rpc("accounts.activate", retries=3)
async def activate_account(data: User) -> None: ...


@wire_rpc("email.send", retries=5)
async def send_email(data: str) -> None: ...


@wire_rpc("kyc.wait", retries=100_000, retry_delay="1m", raises=[RejectedError])
async def wait_for_kyc(data: User) -> None:
    raise UndecidedError  # until somebody has decided; no worker is held in between


@wire_rpc("items.process", retries=3)
async def process_item(data: Item) -> str:
    return data.id


@wire_rpc("migration.legacy")
async def migrate_slowly(data: Migration) -> str:
    return "slowly"


@wire_rpc("migration.optimized")
async def migrate_quickly(data: Migration) -> str:
    return "quickly"


@wire_rpc("orders.create", retries=3)
async def create_order(data: int) -> Order:
    return Order(id="1", subtotal=data)


@wire_rpc("orders.get_status")
async def get_order_status(data: str) -> str:
    return "known"


@wire_workflow("sequential", description="One step after the other")
async def run_in_sequence(data: User, *, workflow: sequential.Workflow) -> str:
    account = await workflow.do("createAccount", "accounts.create", data, description="Create primary account record")
    await workflow.do("sendWelcome", "email.send", account, description="Send welcome email")
    return account


@wire_workflow("branching", description="An `if` on a step's result, and a step that waits for a person")
async def branch(data: User, *, workflow: branching.Workflow) -> str:
    if data.requires_kyc:
        try:
            await workflow.do("waitForKYC", "kyc.wait", data, description="Wait for approval (may take days)")
        except RejectedError:
            return "rejected"
    await workflow.do("activateAccount", "accounts.activate", data)
    return "active"


@wire_workflow("dynamic", description="A step for each item")
async def process_all(data: list[Item], *, workflow: dynamic.Workflow) -> list[str]:
    processed: list[str] = []
    for item in data:
        name = f"processItem-{item.id}"
        processed.append(await workflow.do(name, "items.process", item, description=f"Process {item.type} item"))
    return processed


@wire_workflow("versioned", description="Runs in flight keep the version that they began with")
async def migrate(data: Migration, *, workflow: versioned.Workflow) -> str:
    if data.version == 1:
        return await workflow.do("migrateData-v1", "migration.legacy", data)
    return await workflow.do("migrateData-v2", "migration.optimized", data, description="Migrate (fast path)")


@wire_workflow("mixed", description="RPCs for the world, functions for arithmetic")
async def price(data: int, *, workflow: mixed.Workflow) -> Priced:
    order = await workflow.do("createOrder", "orders.create", data)
    tax = await workflow.do("calculateTax", lambda: order.subtotal * 8 // 100)
    return await workflow.do(
        "enrichOrder", lambda: Priced(**order.model_dump(), total=order.subtotal + tax), returns=Priced
    )


@wire_workflow("three-ways", description="Three ways to call an RPC")
async def look_up(data: str, *, workflow: three_ways.Workflow, rpc: three_ways.Rpc) -> list[str]:
    queued = await workflow.do("queued", "orders.get_status", data)  # kept, own queue, own retries
    inline = await workflow.do("inline", lambda: rpc.invoke("orders.get_status", data))  # kept, no queue
    bare = await rpc.invoke("orders.get_status", data)  # not kept, asked again on replay
    return [queued, inline, bare]
