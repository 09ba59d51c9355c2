from datetime import timedelta
from typing import Literal, TypedDict

from pyflow_core import StepFailedError, wire_workflow

from approvals.rpcs import Rejected


class Expense(TypedDict):
    id: str
    amount: int
    kind: Literal["travel", "meal", "other"]


@wire_workflow("expense")
async def expense(data: Expense, *, workflow) -> str:
    ticket = await workflow.do("file", "requests.file", data["id"])
    if data["amount"] < 50:
        await workflow.do("auto", lambda: "small")
        return "approved"
    try:
        await workflow.do("decide", "requests.decide", ticket, timeout=timedelta(days=2))
    except Rejected:
        await workflow.do("tell", "people.notify", "rejected")
        return "rejected"
    except StepFailedError as error:
        await workflow.do("tell", "people.notify", str(error))
        return "failed"
    else:
        await workflow.do("tell", "people.notify", "approved")
    return "approved"


@wire_workflow("leave-request")
async def leave_request(data: str, *, workflow) -> str:
    await workflow.do("file", "requests.file", data)
    answer = await workflow.wait_for("answer", bool, timeout="7d")
    if answer:
        await workflow.do("granted", "people.notify", data)
    await workflow.sleep("cool-down", "1h")
    return "done"


@wire_workflow("four-eyes")
async def four_eyes(data: list[str], *, workflow) -> bool:
    for number, person in enumerate(data):
        await workflow.do(f"ask-{number}", "people.notify", person)
        await workflow.wait_for(f"answer-{number}", bool)
        await workflow.sleep(f"pause-{number}", timedelta(minutes=5))
    return True


@wire_workflow("contract")
async def contract(data: str, *, workflow) -> str:
    draft = await workflow.child("draft", "leave-request", data)
    wait, nap = workflow.wait_for, workflow.sleep
    await wait("signature", str)
    await nap("grace", 60)
    return draft


async def _remind(workflow, level):
    await workflow.do(f"level-{level}", "people.notify", str(level))
    await workflow.sleep(f"wait-{level}", "1d")


@wire_workflow("escalating")
async def escalating(data: str, *, workflow) -> None:
    await _remind(workflow, 1)
    await _remind(workflow, 2)


@wire_workflow("guarded")
async def guarded(data: str, *, workflow) -> None:
    done = False
    try:
        await workflow.do("file", "requests.file", data)
        done = True
    finally:
        if not done:
            await workflow.do("undo", "people.notify", data)


@wire_workflow("grouped-errors")
async def grouped_errors(data: str, *, workflow) -> str:
    try:
        await workflow.do("file", "requests.file", data)
    except* Rejected:
        await workflow.do("rejected", "people.notify", data)
    except* ValueError:
        await workflow.do("broken", "people.notify", data)
    return "done"
