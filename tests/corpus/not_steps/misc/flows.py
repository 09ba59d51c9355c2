from pyflow_core import wire_workflow

from misc.rpcs import Robot


def wire_local(name):
    return lambda function: function


def workflow(name):
    return name


@wire_workflow("only-invokes")
async def only_invokes(data: str, *, rpc) -> str:
    return await rpc.invoke("robots.move", data)


@wire_workflow("empty")
async def empty(data: str) -> str:
    return data


@wire_workflow("robots")
async def robots(data: str, *, workflow) -> str:
    robot = Robot()
    text = robot.do("turn", "left")
    return await workflow.do("turn", lambda: text)


@wire_workflow("looks-like")
async def looks_like(data: dict[str, str], *, workflow, logger) -> str:
    """`workflow.do("not-a-step", "robots.move")` stands in a text."""
    # workflow.do("commented", "robots.move", data)
    logger.info('workflow.do("quoted", "robots.move")')
    if workflow is None:
        return ""
    run_id = workflow.run_id
    return await workflow.do("real", "robots.move", run_id)


@wire_local("unwired")
async def unwired(data, *, workflow):
    return await workflow.do("never", "robots.move", data)
