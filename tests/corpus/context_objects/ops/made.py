from types import SimpleNamespace

from pyflow_core import wire_workflow

from ops.context import Ctx


async def _make(workflow, host):
    name = await workflow.do("resolve", lambda: host.lower())
    return Ctx(workflow=workflow, host=name)


@wire_workflow("made-context")
async def made_context(data: str, *, workflow) -> None:
    ctx = await _make(workflow, data)
    await ctx.workflow.do("create", "hosts.create", ctx.host)


class Outer:
    def __init__(self, inner: Ctx):
        self.inner = inner


@wire_workflow("nested-context")
async def nested_context(data: str, *, workflow) -> None:
    outer = Outer(Ctx(workflow, data))
    await outer.inner.workflow.do("create", "hosts.create", data)


@wire_workflow("namespace")
async def namespace(data: str, *, workflow) -> None:
    ctx = SimpleNamespace(workflow=workflow, host=data)
    await ctx.workflow.do("create", "hosts.create", ctx.host)
    ctx.again = workflow
    await ctx.again.do("delete", "hosts.delete", ctx.host)
