import sys

from pyflow_core import wire_workflow

try:
    from app.fast import crunch
except ImportError:
    from app.slow import crunch

VERSIONED = sys.version_info >= (3, 12)


@wire_workflow("accelerated")
async def accelerated(data: str, *, workflow) -> None:
    await crunch(workflow, data)


if VERSIONED:

    async def _store(workflow, data):
        await workflow.do("store-new", "pay.card", data)

else:

    async def _store(workflow, data):
        await workflow.do("store-old", "pay.wire", data)


@wire_workflow("versioned")
async def versioned(data: str, *, workflow) -> None:
    await _store(workflow, data)


@wire_workflow("chosen-name")
async def chosen_name(data: str, *, workflow) -> str:
    return await workflow.do("pay-vip" if data else "pay-plain", "pay.card", data)


@wire_workflow("chosen-step")
async def chosen_step(data: str, *, workflow) -> str:
    paid = await (workflow.do("card", "pay.card", data) if data else workflow.do("wire", "pay.wire", data))
    return paid or await workflow.do("nothing", lambda: "nothing")


@wire_workflow("chosen-branch-name")
async def chosen_branch_name(data: str, *, workflow) -> str:
    if data == "a":
        name = "alpha"
    elif data == "b":
        name = "beta"
    else:
        name = "gamma"
    return await workflow.do(name, "pay.card", data)


def _cheap() -> int:
    return 1


def _dear() -> int:
    return 2


@wire_workflow("chosen-function")
async def chosen_function(data: str, *, workflow) -> int:
    return await workflow.do("price", _cheap if data else _dear)


async def _one(workflow):
    await workflow.do("one", "pay.card", "1")


async def _two(workflow):
    await workflow.do("two", "pay.card", "2")


PICKED = _one if VERSIONED else _two


@wire_workflow("chosen-helper")
async def chosen_helper(data: str, *, workflow) -> None:
    await (_one if data else _two)(workflow)


@wire_workflow("picked-helper")
async def picked_helper(data: str, *, workflow) -> None:
    await PICKED(workflow)
