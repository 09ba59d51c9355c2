from pyflow_core import wire_workflow


async def _card(workflow, data):
    await workflow.do("by-card", "pay.card", data)


async def _wire(workflow, data):
    await workflow.do("by-wire", "pay.wire", data)


HANDLERS = {"card": _card, "wire": _wire}
STAGES = [_card, _wire]


@wire_workflow("dispatch")
async def dispatch(data: str, *, workflow) -> None:
    await HANDLERS[data](workflow, data)


@wire_workflow("pipeline")
async def pipeline(data: str, *, workflow) -> None:
    for stage in STAGES:
        await stage(workflow, data)


@wire_workflow("local-dispatch")
async def local_dispatch(data: str, *, workflow) -> None:
    handlers = {"card": _card, "wire": _wire}
    handler = handlers.get(data)
    if handler is not None:
        await handler(workflow, data)


NAMES = {"first": "alpha", "second": "beta"}


@wire_workflow("named-table")
async def named_table(data: str, *, workflow) -> None:
    await workflow.do(NAMES["first"], "pay.card", data)
    await workflow.do(NAMES["second"], "pay.wire", data)
