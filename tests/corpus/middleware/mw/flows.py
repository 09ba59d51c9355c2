from pyflow_core import Call, Proceed, wire_workflow


async def audit(call: Call, proceed: Proceed) -> object:
    await call.workflow.do("audit-begin", "audit.note", call.name)
    result = await proceed()
    await call.workflow.do("audit-end", "audit.note", call.name)
    return result


async def timed(call, proceed):
    started = await call.workflow.do("timed-begin", lambda: 1.0)
    result = await proceed()
    await call.workflow.do("timed-end", lambda: started)
    return result


def quiet(call: Call, proceed: Proceed):
    return proceed()


@wire_workflow("audited", middleware=[audit, quiet])
async def audited(data: str, *, workflow) -> str:
    return await workflow.do("run", "work.run", data)


@wire_workflow("timed-and-audited", middleware=(timed, audit))
async def timed_and_audited(data: str, *, workflow) -> str:
    return await workflow.do("run", "work.run", data)
