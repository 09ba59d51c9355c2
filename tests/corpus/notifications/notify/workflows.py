from asyncio import TaskGroup, gather, shield

from notify.channels import Channel, StepName
from pyflow_core import wire_workflow

CHANNELS = ("email", "sms")


@wire_workflow("notify-user")
async def notify_user(data: str, *, workflow) -> int:
    wanted = await workflow.do("preferences", "prefs.get", data)
    text = await workflow.do(StepName.RENDER, "notify.render", data)
    sent = await gather(*(workflow.do(f"{StepName.DELIVER}-{one}", "notify.deliver", text) for one in wanted))
    return sum(sent)


@wire_workflow("notify-all-channels")
async def notify_all_channels(data: str, *, workflow) -> None:
    await workflow.do(f"to-{Channel.EMAIL.value}", "notify.deliver", data)
    await workflow.do("to-" + Channel.SMS.value, "notify.deliver", data)
    await workflow.do(Channel.PUSH, "notify.deliver", data)


@wire_workflow("broadcast")
async def broadcast(data: list[str], *, workflow) -> None:
    async with TaskGroup() as tasks:
        for channel in CHANNELS:
            for user in data:
                tasks.create_task(
                    workflow.do(StepName.TEMPLATE.format(channel=channel, user=user), "notify.deliver", user)
                )


@wire_workflow("digest")
async def digest(data: list[str], *, workflow) -> str:
    parts: list[str] = []
    for number, text in enumerate(data, start=1):
        parts += [await workflow.do("part-{0}".format(number), "notify.render", text)]
    return await shield(workflow.do("digest", "notify.render", "\n".join(parts)))


@wire_workflow("quiet-hours")
async def quiet_hours(data: str, *, workflow) -> bool:
    async def ask(name: str, default: bool = True) -> bool:
        if not name:
            return default
        return await workflow.do(name, "notify.deliver", data)

    return await ask("ask-first") and await ask("ask-second", default=False)


@wire_workflow("retrying")
async def retrying(data: str, *, workflow) -> bool:
    attempt, delivered = 0, False
    while not delivered and attempt < 5:
        attempt += 1
        try:
            delivered = await workflow.do(f"try-{attempt}", "notify.deliver", data)
        except Exception:
            await workflow.sleep(f"back-off-{attempt}", attempt * 10)
    return delivered
