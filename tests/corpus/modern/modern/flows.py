from pyflow_core import WorkflowContext, wire_rpc, wire_workflow

type Flow = WorkflowContext
type Names = list[str]


@wire_rpc("m.run")
async def run(data: str) -> str:
    return data


async def first[T](flow: Flow, items: list[T], name: str) -> T:
    await flow.do(f"first-{name}", "m.run", name)
    return items[0]


class Box[T]:
    def __init__(self, flow: Flow, item: T) -> None:
        self.flow = flow
        self.item = item

    async def open(self) -> T:
        await self.flow.do("open", "m.run", "box")
        return self.item


@wire_workflow("generic")
async def generic(data: Names, *, workflow) -> str:
    box = Box[str](workflow, await first(workflow, data, "x"))
    return await box.open()


@wire_workflow("nested-quotes")
async def nested_quotes(data: dict[str, str], *, workflow) -> None:
    await workflow.do(f"q-{data["a"]}", "m.run", data["a"])
