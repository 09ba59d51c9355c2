import asyncio
from functools import partial

from pyflow_core import wire_workflow


@wire_workflow("bound-alias")
async def bound_alias(data: str, *, workflow) -> None:
    do = workflow.do
    await do("one", "a.run", data)
    step, again = do, workflow
    await step("two", "b.run", data)
    await again.do("three", lambda: 1)


@wire_workflow("lambda-alias")
async def lambda_alias(data: str, *, workflow) -> None:
    run = lambda name: workflow.do(name, "a.run", data)
    await run("one")
    await run("two")


@wire_workflow("star-alias")
async def star_alias(data: str, *, workflow) -> None:
    async def step(name, *args, **options):
        return await workflow.do(name, *args, **options)

    await step("one", "a.run", data)
    await step("two", lambda: 2, description="Count")
    await step("three", "b.run", data, retries=1)


@wire_workflow("partial-alias")
async def partial_alias(data: str, *, workflow) -> None:
    patient = partial(workflow.do, retries=10)
    await patient("one", "a.run", data)
    named = partial(workflow.do, "two", "b.run")
    await named(data)


@wire_workflow("choice-alias")
async def choice_alias(data: str, *, workflow, rehearse: bool = False) -> None:
    run = workflow.do if data else None
    if run is not None:
        await run("one", "a.run", data)
    flow = workflow or None
    await flow.do("two", "a.run", data)


@wire_workflow("walrus-alias")
async def walrus_alias(data: str, *, workflow) -> str | None:
    if (do := workflow.do) is not None:
        await do("one", "a.run", data)
    if (answer := await do("two", "b.run", data)) == "yes":
        return answer
    return None


@wire_workflow("default-alias")
async def default_alias(data: list[str], *, workflow) -> None:
    async def one(item, do=workflow.do):
        return await do(f"one-{item}", "a.run", item)

    await asyncio.gather(*map(one, data))
    await asyncio.gather(*(one(item) for item in data))
    later = [lambda item=item, flow=workflow: flow.do(f"later-{item}", "b.run", item) for item in data]
    for call in later:
        await call()


@wire_workflow("late-bound")
async def late_bound(data: str, *, workflow) -> None:
    if data:
        do = workflow.do
    else:
        do = workflow.do
    await do("one", "a.run", data)
    match data:
        case "x":
            flow = workflow
        case _:
            flow = workflow
    await flow.do("two", "b.run", data)


@wire_workflow("getattr-alias")
async def getattr_alias(data: str, *, workflow) -> None:
    do = getattr(workflow, "do")
    await do("one", "a.run", data)


@wire_workflow("shadowed")
async def shadowed(data: str, *, workflow) -> None:
    async def inner(workflow):
        await workflow.do("inner", "a.run", data)

    await inner(workflow)
    await workflow.do("outer", "b.run", data)


from typing import cast
@wire_workflow("cast-alias")
async def cast_alias(data: str, *, workflow) -> None:
    typed = cast("object", workflow)
    await typed.do("one", "a.run", data)
