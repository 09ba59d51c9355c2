from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from typing_extensions import assert_type

from app.functions import Charge, CreateUser, Lookup, Notify, Receipt, User
from app.workflows.onboarding import OnboardingInput, OnboardingOutput
from pyflow_core import Payload, RunHandle, WorkflowContext
from pyflow_gen import rpcs, workflows

if TYPE_CHECKING:
    from pyflow_gen.onboarding import Rpc, Workflow

CREATE: Final = "users.create"


async def helper(workflow: WorkflowContext, email: str) -> User:
    return await workflow.do("viaHelper", rpcs.users.create(CreateUser(email=email)))


async def inference(workflow: Workflow, rpc: Rpc, either: Literal["settings.get", "settings.get"]) -> None:
    user = await workflow.do("a", "users.create", CreateUser(email="x"), description="d", retries=1, timeout="3s")
    assert_type(user, User)
    tax: float = await workflow.do(
        "b", lambda: 0.2 if user.region == "EU" else 0.08
    )  # ty shows `float*` to assert_type
    assert tax
    assert_type(await workflow.do("c", lambda: user), User)

    async def load() -> list[int]:
        return [1]

    assert_type(await workflow.do("d", load), list[int])
    assert_type(await workflow.do("e", lambda: load()), list[int])
    assert_type(await workflow.do("f", lambda: rpc.invoke("settings.get")), dict[str, str])
    assert_type(await workflow.do("g", "settings.get"), dict[str, str])
    assert_type(await workflow.do("g2", "settings.get", description="x"), dict[str, str])
    assert_type(await workflow.do("h", rpcs.users.create(CreateUser(email="x"))), User)
    assert_type(await workflow.do("i", rpcs.settings.get()), dict[str, str])
    assert_type(await workflow.do("j", CREATE, CreateUser(email="x")), User)
    assert_type(await workflow.do("k", "lookup.find", {"key": "x"}), list[str])
    assert_type(await workflow.do("l", rpcs.lookup.find({"key": "x"})), list[str])
    assert_type(await workflow.do("m", rpcs.billing.charge(Charge(user_id="u", cents=1))), Receipt)
    await workflow.do("n", "notify.send", Notify(channel="c"))
    results = await asyncio.gather(*(workflow.do(f"p-{i}", "users.create", CreateUser(email=str(i))) for i in range(3)))
    assert_type(results, list[User])
    pair = await asyncio.gather(workflow.do("q", "settings.get"), workflow.do("r", lambda: 1))
    assert_type(pair, tuple[dict[str, str], int])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(workflow.do("s", "users.create", CreateUser(email="x")))
    assert_type(task.result(), User)
    done, _ = await asyncio.wait([asyncio.create_task(workflow.do("t", lambda: 1))])
    assert_type(done.pop().result(), int)
    assert_type(await workflow.do("u", lambda: user.id, returns=str), str)
    assert_type(await helper(workflow, "e"), User)
    assert_type(await workflow.do("v", lambda: None), None)


async def handles(workflow: Workflow, rpc: Rpc, given: Payload[CreateUser], named: Payload[Lookup]) -> None:
    assert_type(await workflow.do("a", "users.create", given), User)
    assert_type(await workflow.do("b", rpcs.users.create(given)), User)
    assert_type(await workflow.do("c", "lookup.find", named), list[str])
    assert_type(await rpc.invoke("users.create", given), User)
    lazy = await workflow.do("d", rpcs.users.create(given).lazy())
    assert_type(lazy, Payload[User])
    assert_type(await lazy.load(), User)
    assert_type(await lazy.range(0, 1), bytes)


async def start_with_handle(data: Payload[OnboardingInput]) -> None:
    assert_type(await workflows.onboarding.start(data), RunHandle[OnboardingOutput])
    assert_type(await workflows.onboarding.run(data), OnboardingOutput)


async def caller() -> None:
    run = await workflows.onboarding.start(OnboardingInput(email="e"))
    assert_type(run, RunHandle[OnboardingOutput])
    assert_type(await run.result(timeout=30), OnboardingOutput)
    assert_type(await workflows.onboarding.run(OnboardingInput(email="e")), OnboardingOutput)
    assert_type((await workflows.onboarding.get_run(run.run_id)).run_id, str)
