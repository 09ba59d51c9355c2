import asyncio

from pyflow_core import wire_workflow


@wire_workflow("one")
async def one(data: list[str], *, workflow) -> int:
    previous = None
    for x in data:
        if previous is not None:
            await previous
        previous = workflow.do(f"a-{x}", lambda: 1, description="A")
    return 1


@wire_workflow("two")
async def two(data: list[str], *, workflow) -> int:
    job = workflow.do("first", lambda: 1)
    while data:
        result = await job
        if result:
            break
        job = workflow.do(f"a-{result}", lambda: 1, description="A")
    return 1


@wire_workflow("three")
async def three(data: list[str], *, workflow) -> int:
    jobs = {}
    for x in data:
        for key, job in list(jobs.items()):
            await job
            del jobs[key]
        jobs[x] = workflow.do(f"a-{x}", lambda: 1, description="A")
    job = None
    try:
        job = asyncio.gather(*jobs.values())
        await workflow.do("x", lambda: 1)
    finally:
        if job:
            await job
    return 1


@wire_workflow("four")
async def four(data: list[str], *, workflow) -> list[int]:
    results = [workflow.do(f"a-{x}", lambda: 1, description="A") for x in data]
    out = []
    for batch in range(0, len(results), 10):
        out += await asyncio.gather(*results[batch : batch + 10])
    first, *rest = [workflow.do(f"b-{x}", lambda: 1, description="A") for x in data]
    await first
    for one in rest:
        await one
    pairs = [(x, workflow.do(f"c-{x}", lambda: 1, description="A")) for x in data]
    for name, job in pairs:
        print(f"{name}", await job)
    named = {x: workflow.do(f"d-{x}", lambda: 1, description="A") for x in data}
    for name, job in named.items():
        print(f"{name}")
        out.append(await job)
    for name in named:
        print(f"{name} {len(name)}")
    for job, name in zip([workflow.do(f"e-{x}", lambda: 1, description="A") for x in data], data, strict=True):
        print(name.upper(), await job)
    return out


@wire_workflow("five")
async def five(data: list[str], *, workflow) -> list[int]:
    jobs = [(x, asyncio.create_task(workflow.do(f"a-{x}", lambda: 1, description="A"))) for x in data]
    for name, job in jobs:
        print(name, job.done())
    queue = [workflow.do(f"q-{x}", lambda: 1, description="A") for x in data]
    while queue:
        job = queue.pop()
        await job
    both = {"a": workflow.do("za", lambda: 1), "b": workflow.do("zb", lambda: 1)}
    results = dict(zip(both, await asyncio.gather(*both.values()), strict=True))
    sent = sorted([workflow.do(f"s-{x}", lambda: 1, description="A") for x in data], key=id)
    for one in sent:
        await one
    step = workflow.do("late", lambda: 1) if data else None
    if step is not None:
        await step
    return [await one for one in [workflow.do(f"t-{x}", lambda: 1, description="A") for x in data]] + list(
        results.values()
    )
