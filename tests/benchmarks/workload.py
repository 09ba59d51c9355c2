"""The workloads, as pyflow workflows: trivial steps, so that what is measured is the engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.project import Project, WorkflowPlan


class Size(BaseModel):
    """How many steps a run has."""

    steps: int


class Number(BaseModel):
    """What a step is given and gives back."""

    value: int


@wire_rpc("bench.echo")
async def echo(data: Number) -> Number:
    return data


@wire_workflow("inline")
async def inline(data: Size, *, workflow) -> int:
    total = 0
    for i in range(data.steps):
        total += await workflow.do(f"s{i}", lambda i=i: i)
    return total


@wire_workflow("rpc")
async def rpc(data: Size, *, workflow) -> int:
    total = 0
    for i in range(data.steps):
        total += (await workflow.do(f"s{i}", "bench.echo", Number(value=i))).value
    return total


@wire_workflow("inline-fan")
async def inline_fan(data: Size, *, workflow) -> int:
    return len(await asyncio.gather(*(workflow.do(f"s{i}", lambda i=i: i) for i in range(data.steps))))


@wire_workflow("rpc-fan")
async def rpc_fan(data: Size, *, workflow) -> int:
    calls = (workflow.do(f"s{i}", "bench.echo", Number(value=i)) for i in range(data.steps))
    return len(await asyncio.gather(*calls))


project = Project(
    name="bench",
    package="pyflow_bench",
    root=Path.cwd(),
    workflows=tuple(
        WorkflowPlan(name=name, code_hash="bench", steps=steps)
        for name, steps in (("inline", ()), ("rpc", ("s*",)), ("inline-fan", ()), ("rpc-fan", ("s*",)))
    ),
)
