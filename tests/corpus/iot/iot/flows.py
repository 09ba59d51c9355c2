from __future__ import annotations

from asyncio import gather as together
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import chain
from typing import Any

from iot.devices import Reading
from pyflow_core import WorkflowContext, wire_workflow


@wire_workflow("firmware")
async def firmware(data: list[str], *, workflow: WorkflowContext) -> dict[str, bool]:
    results: dict[str, bool] = {}
    canary, *fleet = data
    if not await workflow.do("canary", "devices.update", canary):
        await workflow.do("alert", "alerts.raise", canary)
        return results
    for wave in chunked(fleet, 10):
        updated = await together(*[workflow.do(f"update-{device}", "devices.update", device) for device in wave])
        results |= dict(zip(wave, updated, strict=True))
    return results


def chunked(items: list[str], size: int) -> Iterable[list[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


async def readings(workflow: WorkflowContext, devices: Iterable[str]) -> AsyncIterator[Reading]:
    for device in devices:
        yield await workflow.do(f"read-{device}", "devices.read", device)


@wire_workflow("sweep")
async def sweep(data: list[str], *, workflow: WorkflowContext) -> float:
    return max([one["value"] async for one in readings(workflow, data)])


async def until(check: Callable[[int], Awaitable[bool]], tries: int) -> bool:
    for number in range(tries):
        if await check(number):
            return True
    return False


@wire_workflow("watchdog")
async def watchdog(data: str, *, workflow: WorkflowContext) -> bool:
    async def alive(number: int) -> bool:
        return await workflow.do(f"ping-{number}", "devices.update", data)

    if not await until(alive, 3):
        await workflow.do("alert", "alerts.raise", data)
        return False
    return await until(lambda n: workflow.do(f"again-{n}", "devices.update", data), 2)


@wire_workflow("thresholds")
async def thresholds(data: dict[str, float], *, workflow: WorkflowContext) -> list[str]:
    raised = [
        device
        for device, limit in data.items()
        if (await workflow.do(f"measure-{device}", "devices.read", device))["value"] > limit
    ]
    for device in raised:
        await workflow.do(f"alert-{device}", "alerts.raise", device)
    return raised


@wire_workflow("calibrate")
async def calibrate(data: str, *, workflow: WorkflowContext) -> float:
    reading = (await workflow.do("read", "devices.read", data))["value"]
    offset = await workflow.do("offset", lambda reading=reading: reading - 1.0)
    assert await workflow.do("update", "devices.update", data), "no answer"
    return -(await workflow.do("scale", lambda: offset * 2))


@wire_workflow("fleet-report")
async def fleet_report(data: list[list[str]], *, workflow: WorkflowContext) -> int:
    jobs = [[workflow.do(f"{row}/{name}", "devices.read", name) for name in names] for row, names in enumerate(data)]
    done = await together(*chain.from_iterable(jobs))
    print(f"{await workflow.do('total', lambda: len(done))} devices")
    return len(done)


async def _typed(flow: Any, name: str, rpc_name: str, data: object) -> object:
    """The wrapper that every team writes once."""
    return await flow.do(name, rpc_name, data, description=f"{name} by {rpc_name}", retries=2)


@wire_workflow("typed-step")
async def typed_step(data: str, *, workflow: WorkflowContext) -> None:
    await _typed(workflow, "one", "devices.read", data)
    await _typed(workflow, data=data, name="two", rpc_name="devices.update")
