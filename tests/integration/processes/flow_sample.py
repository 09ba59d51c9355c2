"""Workflows whose steps note what they do, and wait until the test lets them go on."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pyflow_core import Step, wire_rpc, wire_workflow
from pyflow_core.project import Project

project = Project(name="flow-sample", package="flow_sample_gen", root=Path(os.devnull).parent)


class Amount(BaseModel):
    count: int
    text: str = ""


def journal() -> Path:
    return Path(os.environ["FLOW_JOURNAL"])


def note(verb: str, step: Step) -> None:
    """One line in one write, so that lines of several processes stay whole."""
    with journal().open("ab", buffering=0) as file:
        file.write(f"{verb} {step.run_id} {step.step_name} {os.getpid()}\n".encode())


def gate(step_name: str, pid: int) -> Path:
    """The file for which a gated step of a process waits."""
    return journal().with_name(f"gate-{step_name}-{pid}")


@wire_rpc("work")
async def work(data: Amount, *, step: Step) -> Amount:
    note("done", step)
    return data


@wire_rpc("gated")
async def gated(data: Amount, *, step: Step) -> str:
    """Stubborn: it ends with a result, even if it is cancelled."""
    note("begin", step)
    with suppress(asyncio.CancelledError):
        while not gate(step.step_name, os.getpid()).exists():  # noqa: ASYNC110 - another process creates it
            await asyncio.sleep(0.01)
    note("end", step)
    return f"by {os.getpid()}"


@wire_workflow("fan")
async def fan(data: Amount, *, workflow: Any) -> int:
    """So many steps at once."""
    numbers = range(data.count)
    calls = [workflow.do(f"step-{number}", "work", Amount(count=number)) for number in numbers]
    results: list[Any] = await asyncio.gather(*calls)
    return sum(result.count for result in results)


@wire_workflow("chain")
async def chain(data: Amount, *, workflow: Any) -> int:
    """So many steps one after the other, of both forms; each carries the text."""
    total = 0
    for number in range(data.count):
        result: Any = await workflow.do(f"step-{number}", "work", Amount(count=number, text=data.text))
        total += await workflow.do(f"inline-{number}", lambda count=result.count: int(count))
    return total


@wire_workflow("tidy")
async def tidy(*, workflow: Any) -> str:
    """A step that waits, and one in a `finally`."""
    try:
        answer: str = await workflow.do("long", "gated", Amount(count=0))
    finally:
        await workflow.do("cleanup", "work", Amount(count=0))
    return answer
