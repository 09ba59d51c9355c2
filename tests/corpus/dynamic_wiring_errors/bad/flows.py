from functools import partial

import pyflow_core
from pyflow_core import wire_workflow

durable = partial(wire_workflow, tags=["x"])


@wire_workflow("one")
async def one(data: str, *, workflow) -> None:
    workflow.do("forgotten", "jobs.run", data)
    await workflow.do("typo", "jobs.rum", data)
    await workflow.do("twice", "jobs.run", data)
    await workflow.do("twice", "jobs.run", data)


@wire_workflow("two")
def two(data: str, *, workflow) -> None:
    workflow.do("sync", "jobs.run", data)


@wire_workflow("Three")
async def three(data: str, *, workflow) -> None:
    await workflow.do("three", "jobs.run", data)


@wire_workflow("four")
async def four(data: str, *, workflow) -> None:
    await workflow.do("outer", lambda: workflow.do("inner", "jobs.run", data))


wiring = getattr(pyflow_core, "wire_workflow")
