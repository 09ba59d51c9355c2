from __future__ import annotations

from typing import TYPE_CHECKING

from app.functions import CreateUser, Notify
from app.workflows.onboarding import OnboardingInput
from pyflow_core import Payload, wire_workflow
from pyflow_gen import rpcs, workflows

if TYPE_CHECKING:
    from pyflow_gen.onboarding import Rpc, Workflow


async def wrong(workflow: Workflow, rpc: Rpc, name: str) -> None:
    await workflow.do("a", "users.creat", CreateUser(email="x"))  # E: misspelled
    await workflow.do("b", "users.create", Notify(channel="x"))  # E: wrong data
    await workflow.do("c", "users.create")  # E: no data
    await workflow.do("d", "settings.get", {})  # E: data where none is taken
    await workflow.do("e", "users.create", {"email": "x"})  # E: dict for a model
    await workflow.do("f", rpcs.users.create(Notify(channel="x")))  # E: wrong data, reference
    await workflow.do("g", rpcs.users.creat(CreateUser(email="x")))  # E: misspelled reference
    await workflow.do("h", name, CreateUser(email="x"))  # E: a name that is not a literal
    workflow.do("i", "users.create", CreateUser(email="x"))  # E: not awaited
    await workflow.do("j", "users.create", CreateUser(email="x"), retris=3)  # E: unknown option
    await workflow.do("k", "users.create", CreateUser(email="x"), retries="3")  # E: wrong option
    (await workflow.do("l", "users.create", CreateUser(email="x"))).nme  # E: wrong use of the result
    await workflow.do("m", lambda x: x)  # E: inline function with a parameter
    await workflow.do(1, lambda: 1)  # E: step name
    await rpc.invoke("settings.got")  # E: misspelled
    await workflows.onboarding.start(CreateUser(email="x"))  # E: wrong input
    await workflows.onbording.start(OnboardingInput(email="x"))  # E: unknown workflow


async def wrong_handles(workflow: Workflow, rpc: Rpc, note: Payload[Notify], user: CreateUser) -> None:
    await workflow.do("a", "users.create", note)  # E: a handle to something else
    await workflow.do("b", rpcs.users.create(note))  # E: a handle to something else, reference
    await rpc.invoke("users.create", note)  # E: a handle to something else, plain call
    await workflows.onboarding.start(note)  # E: a handle to something else, client
    (await workflow.do("c", rpcs.users.create(user).lazy())).name  # E: a handle is no value
    await workflow.do("d", "settings.get", note)  # E: a handle where no data is taken


@wire_workflow("sync")  # E: a workflow must be async
def not_async(data: OnboardingInput) -> int:
    return 1
