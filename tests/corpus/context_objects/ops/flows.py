from dataclasses import replace

from pyflow_core import wire_workflow

from ops.context import Ctx, Pair, Steps


async def _create(ctx: Ctx) -> str:
    return await ctx.workflow.do("create", "hosts.create", ctx.host)


async def _announce(ctx):
    await ctx.workflow.do("announce", "chat.post", ctx.host)


@wire_workflow("provision")
async def provision(data: str, *, workflow) -> None:
    ctx = Ctx(workflow, data)
    await _create(ctx)
    await _announce(ctx)
    await ctx.workflow.do("dns", "dns.set", ctx.host)


@wire_workflow("provision-class")
async def provision_class(data: str, *, workflow) -> None:
    await Steps(workflow, data).everything()


@wire_workflow("decommission")
async def decommission(data: str, *, workflow) -> None:
    steps = Steps(workflow=workflow, host=data)
    await steps.rollback()


@wire_workflow("rename-host")
async def rename_host(data: str, *, workflow) -> None:
    ctx = Ctx(workflow=workflow, host="old")
    await ctx.workflow.do("old", "dns.set", ctx.host)
    newer = replace(ctx, host=data)
    await newer.workflow.do("new", "dns.set", newer.host)


@wire_workflow("pair")
async def pair(data: str, *, workflow) -> None:
    both = Pair(workflow, data)
    flow, name = both
    await flow.do("one", "dns.set", name)
    await both.flow.do("two", "dns.set", both.name)


@wire_workflow("bundle")
async def bundle(data: str, *, workflow) -> None:
    known = {"workflow": workflow, "host": data}
    await known["workflow"].do("one", "dns.set", data)
    args = (workflow, data)
    await args[0].do("two", "dns.set", data)
    await _spread(*args)
    await _spread(**{"flow": workflow, "name": data})


async def _spread(flow, name):
    await flow.do(f"spread-{name}", "dns.set", name)
