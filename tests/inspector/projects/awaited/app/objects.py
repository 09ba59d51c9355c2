import asyncio
import contextlib
import functools
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pyflow_core import StepFailedError, wire_workflow


@dataclass
class Job:
    name: str
    task: Any
    tags: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    name: str
    call: Any


class Batch:
    def __init__(self, workflow):
        self.workflow = workflow
        self.calls = []
        self.by_name = {}
        self.last = None

    def add(self, name):
        self.calls.append(self.workflow.do(name, lambda: 1, description="A"))
        self.by_name[name] = self.workflow.do(f"{name}-2", lambda: 1, description="A")
        self.last = self.workflow.do(f"{name}-3", lambda: 1, description="A")
        return self

    async def run(self):
        first = await asyncio.gather(*self.calls)
        for name, call in self.by_name.items():
            print(name.upper(), await call)
        return first, await self.last

    @property
    def next(self):
        return self.workflow.do("next", lambda: 1)


@wire_workflow("objects")
async def objects(data: list[str], *, workflow, logger) -> Any:
    batch = Batch(workflow)
    for name in data:
        batch.add(name)
    await batch.run()
    await batch.next
    jobs = [Job(f"j{x}", workflow.do(f"a-{x}", lambda: 1, description="A")) for x in data]
    for job in jobs:
        logger.info(job.name)
        await job.task
    pairs = [Pair(x, workflow.do(f"p-{x}", lambda: 1, description="A")) for x in data]
    for pair in pairs:
        print(f"{pair.name}", await pair.call)
    for name, call in pairs:
        print(f"{name}", await call)
    groups = defaultdict(list)
    for x in data:
        groups[x[0]].append(workflow.do(f"g-{x}", lambda: 1, description="A"))
    for key in groups:
        print(f"{key}")
        await asyncio.gather(*groups[key])
    for key, calls in groups.items():
        print(f"{key} {len(calls)}")
        for call in calls:
            await call
    queue = deque(workflow.do(f"q-{x}", lambda: 1, description="A") for x in data)
    while queue:
        await queue.popleft()


@wire_workflow("tasks")
async def tasks(data: list[str], *, workflow, logger) -> Any:
    lock = asyncio.Lock()

    async def work(x, call):
        async with lock:
            print(f"{x}")
            return await call

    results = await asyncio.gather(*[work(x, workflow.do(f"w-{x}", lambda: 1, description="A")) for x in data])
    async with asyncio.TaskGroup() as group:
        tasks = {x: group.create_task(workflow.do(f"t-{x}", lambda: 1, description="A")) for x in data}
    print({x: task.result() for x, task in tasks.items()}, results)
    made = [asyncio.ensure_future(workflow.do(f"u-{x}", lambda: 1, description="A")) for x in data]
    done, rest = await asyncio.wait(made)
    print(max(task.result() for task in done), len(rest))
    for next_done in asyncio.as_completed([asyncio.ensure_future(workflow.do("z", lambda: 1))]):
        print(await next_done)
    call = functools.partial(workflow.do, "part", lambda: 1)
    await call()
    approve = workflow.do("approve", lambda: True)
    remind = workflow.do("remind", lambda: True)
    first, _ = await asyncio.gather(approve, remind)
    winner = approve if first else remind
    print(winner is approve)
    maybe = None
    if data:
        maybe = workflow.do("maybe", lambda: 1)
    x = [await maybe] if maybe else []
    try:
        pending = workflow.do("risky", lambda: 1)
        result = await pending
    except StepFailedError:
        result = None
    retry = [lambda: workflow.do("r1", lambda: 1), lambda: workflow.do("r2", lambda: 1)]
    for attempt in retry:
        with contextlib.suppress(StepFailedError):
            return await attempt()
    steps = {"a": lambda: workflow.do("sa", lambda: 1), "b": lambda: workflow.do("sb", lambda: 1)}
    return await steps[data[0]](), x, result


@wire_workflow("helpers")
async def helpers(data: list[str], *, workflow, logger) -> Any:
    async def collect(*calls):
        return [await call for call in calls]

    async def settle(call, default=None):
        try:
            return await call
        except StepFailedError:
            return default

    def later(name):
        job = workflow.do(name, lambda: 1)
        logger.info("made %s", name)
        return job

    a = await collect(workflow.do("a", lambda: 1), workflow.do("b", lambda: 1))
    b = await settle(workflow.do("c", lambda: 1), default=0)
    c = await settle(later("d"))
    d = [await settle(later(f"l-{x}")) for x in data]
    e = await asyncio.gather(*map(later, ["m1", "m2"]))
    f = await asyncio.gather(*(settle(later(f"n-{x}"), default="-") for x in data))
    g, h = later("g"), later("h")
    g, h = h, g
    both = (g, h)
    out = await asyncio.gather(*both)
    everything = [later("o1")]
    everything += [later("o2")]
    everything.extend(later(f"o-{x}") for x in data)
    everything = [later("o3"), *everything]
    return a, b, c, d, e, f, out, await asyncio.gather(*everything)
