from pyflow_core import wire_workflow

from desk import steps
from desk.steps import closed, notify as tell, opened


@wire_workflow("support")
async def support(data: str, *, workflow) -> str:
    number = await opened(data, flow=workflow)
    await tell(workflow, "owner")
    await closed(number, workflow.do)
    return number


@wire_workflow("escalation")
async def escalation(data: list[str], *, workflow) -> None:
    await steps.opened("escalated", flow=workflow)
    await steps.notify_all(workflow, data)


async def _classify(workflow, text):
    kind = await workflow.do("classify", lambda: text.partition(":")[0])
    return kind


async def _route(kind, workflow):
    if kind == "bug":
        return await workflow.do("route-bug", "tickets.open", kind)
    return await workflow.do("route-other", "mail.send", kind)


@wire_workflow("triage")
async def triage(data: str, *, workflow) -> None:
    await _route(await _classify(workflow, data), workflow)


def _reminder(workflow, day):
    return workflow.do(f"remind-{day}", "mail.send", str(day))


@wire_workflow("follow-up")
async def follow_up(data: list[int], *, workflow) -> None:
    for day in data:
        await _reminder(workflow, day)
    await _reminder(workflow, 7)


async def _pages(workflow, count):
    for number in range(count):
        yield await workflow.do(f"page-{number}", "mail.send", str(number))


@wire_workflow("survey")
async def survey(data: int, *, workflow) -> int:
    seen = 0
    async for _ in _pages(workflow, data):
        seen += 1
    return seen


def logged(function):
    async def wrapper(workflow, *args):
        await workflow.do("log-start", lambda: None)
        result = await function(workflow, *args)
        await workflow.do("log-end", lambda: None)
        return result

    return wrapper


@logged
async def _merge(workflow, first, second):
    await workflow.do("merge", "tickets.close", f"{first}{second}")


@wire_workflow("merge")
async def merge(data: list[str], *, workflow) -> None:
    await _merge(workflow, data[0], data[1])
