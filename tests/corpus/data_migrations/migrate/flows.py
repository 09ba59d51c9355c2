from pyflow_core import wire_workflow

from . import common
from .common import announced, copy_with, in_batches


async def copy_user(workflow, user):
    await workflow.do(f"user-{user}", "rows.copy", user)


@announced("users")
async def users(workflow, items):
    await in_batches(workflow, items, copy_user)


@wire_workflow("migrate-users")
async def migrate_users(data: list[str], *, workflow) -> None:
    await users(workflow, data)


@wire_workflow("migrate-orders")
async def migrate_orders(data: list[str], *, workflow) -> None:
    async def copy_order(flow, order):
        await flow.do(f"order-{order}", "rows.copy", order)

    await common.in_batches(workflow, data, copy_order, size=50)
    await workflow.do("count", "rows.count", "orders")


async def _copy(flow, prefix, name):
    await flow.do(f"{prefix}-{name}", "rows.copy", name)


@wire_workflow("migrate-blobs")
async def migrate_blobs(data: list[str], *, workflow) -> None:
    copy = copy_with(_copy, workflow, "blob")
    for name in data:
        await copy(name)
    cold = copy_with(_copy, prefix="cold", flow=workflow)
    for name in data:
        await cold(name=name)
    await copy_with(copy_with(_copy, workflow), "warm")("x")


V1 = "v1"


def step_name(version: str, row: str) -> str:
    """The names of steps, in one place."""
    return f"{version}-{row}"


def fixed_name() -> str:
    return "finish"


@wire_workflow("dual-write")
async def dual_write(data: list[str], *, workflow) -> None:
    for row in data:
        await workflow.do(step_name(V1, row), "rows.copy", row)
        await workflow.do(step_name(version="v2", row=row), "rows.copy", row)
    await workflow.do(fixed_name(), "rows.count", "all")


@wire_workflow("verify-migration")
async def verify_migration(data: list[str], *, workflow) -> bool:
    counts = dict(
        zip(
            data,
            await common.asyncio.gather(*[workflow.do(f"count-{t}", "rows.count", t) for t in data]),
            strict=True,
        )
    )
    return all(counts.values())


@wire_workflow("rollback")
async def rollback(data: list[str], *, workflow) -> None:
    remaining = list(data)
    while remaining and (row := remaining.pop()):
        await workflow.do(f"undo-{row}", "rows.copy", row)
