from functools import partial

from pyflow_core import wire_workflow


async def tried(function, *args, default=None, **kwargs):
    try:
        return await function(*args, **kwargs)
    except ValueError:
        return default


async def unit(workflow, name, *, suffix=""):
    await workflow.do(f"unit-{name}{suffix}", "j.run", name)


@wire_workflow("forwarded")
async def forwarded(data: str, *, workflow) -> None:
    await tried(unit, workflow, "a")
    await tried(unit, workflow, default=5, name="b", suffix="-2")


@wire_workflow("forwarded-partials")
async def forwarded_partials(data: str, *, workflow) -> None:
    await tried(partial(unit, workflow), "p")


async def by_keywords(**options):
    await options["workflow"].do(options["name"], "j.run", "x")


@wire_workflow("forwarded-keywords")
async def forwarded_keywords(data: str, *, workflow) -> None:
    await by_keywords(workflow=workflow, name="keyed")


async def by_stars(*parts):
    flow, name = parts
    await flow.do(name, "j.run", "x")


@wire_workflow("forwarded-stars")
async def forwarded_stars(data: str, *, workflow) -> None:
    await by_stars(workflow, "starred")


def made(workflow, prefix):
    async def step(name):
        await workflow.do(f"{prefix}-{name}", "j.run", name)

    return step


@wire_workflow("returned-function")
async def returned_function(data: str, *, workflow) -> None:
    step = made(workflow, "made")
    await step("one")
    await step("two")


def only_do(workflow):
    return workflow.do


async def both(workflow):
    return workflow, "named"


@wire_workflow("returned-do")
async def returned_do(data: str, *, workflow) -> None:
    await only_do(workflow)("plain", "j.run", data)
    flow, name = await both(workflow)
    await flow.do(name, "j.run", data)


@wire_workflow("nonlocal-alias")
async def nonlocal_alias(data: str, *, workflow) -> None:
    do = None

    def prepare():
        nonlocal do
        do = workflow.do

    prepare()
    await do("one", "j.run", data)


@wire_workflow("loop-alias")
async def loop_alias(data: list[str], *, workflow) -> None:
    call = None
    for item in data:
        if call is not None:
            await call(f"item-{item}", "j.run", item)
        call = workflow.do


@wire_workflow("local-class")
async def local_class(data: str, *, workflow) -> None:
    class Local:
        async def go(self, name):
            await workflow.do(f"go-{name}", "j.run", name)

    await Local().go("now")


@wire_workflow("local-context")
async def local_context(data: str, *, workflow) -> None:
    class Here:
        def __init__(self, flow):
            self.flow = flow

    here = Here(workflow)
    await here.flow.do("here", "j.run", data)
