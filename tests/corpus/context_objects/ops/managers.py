from contextlib import asynccontextmanager

from pyflow_core import wire_workflow


@asynccontextmanager
async def window(workflow, host):
    await workflow.do("begin", "chat.post", host)
    yield workflow
    await workflow.do("end", "chat.post", host)


@wire_workflow("maintenance")
async def maintenance(data: str, *, workflow) -> None:
    async with window(workflow, data) as flow:
        await flow.do("work", "dns.set", data)


class Saga:
    def __init__(self, workflow):
        self.workflow = workflow
        self.undo = []

    async def __aenter__(self):
        await self.workflow.do("saga-begin", lambda: None)
        return self

    async def __aexit__(self, kind, error, trace):
        if kind is not None:
            await self.workflow.do("saga-undo", "hosts.delete", "x")

    async def step(self, name, rpc_name, data):
        return await self.workflow.do(name, rpc_name, data)


@wire_workflow("saga")
async def saga(data: str, *, workflow) -> None:
    async with Saga(workflow) as one:
        await one.step("make-host", "hosts.create", data)
        await one.step("make-name", "dns.set", data)


class Session:
    def __init__(self, flow):
        self._flow = flow

    @property
    def workflow(self):
        return self._flow

    def __call__(self, name, data):
        return self._flow.do(name, "chat.post", data)


@wire_workflow("property-context")
async def property_context(data: str, *, workflow) -> None:
    session = Session(workflow)
    await session.workflow.do("prop", "dns.set", data)
    await session("called", data)
