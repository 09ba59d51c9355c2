"""One workflow that takes every turn a workflow can take."""

from __future__ import annotations

import asyncio

from pyflow_core import WorkflowContext, wire_rpc, wire_workflow

RATES = {"EU": 0.2}


@wire_rpc("users.create")
async def create(data: str) -> str:
    return data


def rate(region: str) -> float:
    return RATES.get(region, 0.1)


async def onboard(flow: WorkflowContext, name: str) -> str | None:
    if not name:
        return None
    return await flow.do(f"onboard-{name}", "users.create", name)


@wire_workflow("turns")
async def turns(data: list[str], *, workflow, rpc) -> str | None:  # noqa: PLR0912 - that is what it is for
    user = await workflow.do("createUser", "users.create", data[0])
    if user == "EU":
        tax = await workflow.do("tax", lambda: rate(user))
    elif await workflow.do("isUs", lambda: user == "US"):
        return None
    else:
        tax = 0.0
    for item in data:
        if not item:
            continue
        try:
            await workflow.do(f"item-{item}", "users.create", item)
            if item == "last":
                break
        except ValueError as error:
            raise RuntimeError(item) from error
        except (KeyError, OSError):
            return None
        finally:
            await workflow.do(f"cleanUp-{item}", lambda: None)
    else:
        await workflow.do("none", lambda: None)
    while not await workflow.do(f"poll-{user}", lambda: True):
        await workflow.sleep(f"wait-{user}", "1m")
    await asyncio.gather(*(workflow.do(f"notify-{name}", "users.create", name) for name in data))
    first = workflow.do("first", lambda: 1)
    await asyncio.gather(first, onboard(workflow, user), *[onboard(workflow, name) for name in data])
    async with asyncio.TaskGroup() as group:
        paid = group.create_task(workflow.do("paid", "users.create", "x"))
        group.create_task(workflow.wait_for("approved", str))
    match paid.result():
        case "x" if await workflow.do("guard", lambda: True):
            await workflow.do("case", lambda: None)
        case {"kind": str()} | [1, *_]:
            raise ValueError("no")
    chosen = await workflow.do("then", lambda: tax) if tax else None
    _ = chosen and await workflow.do("and", lambda: None)
    async with asyncio.timeout(3):
        await rpc.invoke("users.create", "x")
    return user
