import elsewhere
from elsewhere import Runner, outside, registry
from pyflow_core import wire_workflow

CURRENT = None


@wire_workflow("handed-out")
async def handed_out(data: str, *, workflow) -> None:
    await outside(workflow)
    await elsewhere.run(do=workflow.do)
    Runner(workflow, data).start()
    await workflow.do("last", "jobs.run", data)


@wire_workflow("kept")
async def kept(data: str, *, workflow) -> None:
    global CURRENT
    CURRENT = workflow
    registry["current"] = workflow
    registry.flow = workflow.do
    registry.stack.append(workflow)
    await _use()


async def _use():
    await CURRENT.do("hidden", "jobs.run", "x")


@wire_workflow("dynamic-call")
async def dynamic_call(data: str, *, workflow) -> None:
    await getattr(workflow, data)("one", "jobs.run", data)
    await workflow.do.__call__("two", "jobs.run", data)
    await vars(workflow)["do"]("three", "jobs.run", data)


@wire_workflow("dynamic-target")
async def dynamic_target(data: str, *, workflow, rpc) -> None:
    await workflow.do("one", data, 1)
    await workflow.do(data, "jobs.run", data)
    await rpc.invoke(data, 1)


@wire_workflow("unpacked")
async def unpacked(data: list[str], *, workflow) -> None:
    await workflow.do(*data)


@registry.register
@wire_workflow("wrapped-outside")
@elsewhere.traced
async def wrapped_outside(data: str, *, workflow) -> None:
    await workflow.do("inside", "jobs.run", data)


@wire_workflow("nested-outside")
async def nested_outside(data: str, *, workflow) -> None:
    @elsewhere.retry(times=3)
    async def attempt(text):
        await workflow.do(f"attempt-{text}", "jobs.run", text)

    await attempt(data)


class Local(Runner):
    async def go(self):
        await self.workflow.do("go", "jobs.run", "x")


@wire_workflow("object-outside")
async def object_outside(data: str, *, workflow) -> None:
    await Local(workflow).go()


@wire_workflow("swapped")
async def swapped(data: str, *, workflow) -> None:
    for flow in elsewhere.all_flows(workflow):
        await flow.do("one", "jobs.run", data)
    async with elsewhere.traced(workflow) as flow:
        await flow.do("two", "jobs.run", data)
