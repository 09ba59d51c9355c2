"""The kit that users test their workflows with."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import async_test
from pydantic import BaseModel

from pyflow_core import Payload, RpcCall, RpcRef, Step, StepFailedError, wire_rpc, wire_workflow
from pyflow_core.errors import (
    InvalidOptionError,
    PayloadForbiddenError,
    PayloadMissingError,
    StepNameReusedError,
    UnknownRpcError,
)
from pyflow_core.payload.handle import is_handle
from pyflow_core.ports.state import RunStatus
from pyflow_core.testing import FakePayloads, FakeRpc, FakeWorkflow, NothingHappensError, VirtualClock, engine, returns

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.testing import BlockingEngine
    from pyflow_core.wiring import Registry


def test_a_fake_workflow_runs_steps_at_once_and_keeps_the_calls() -> None:
    create: RpcRef[str, int] = RpcRef("users.create")

    async def asynchronous(data: str) -> int:
        await asyncio.sleep(0)
        return len(data)

    async def flow(workflow: Any, rpc: Any) -> list[Any]:
        async def inline() -> str:
            return "inline"

        return [
            await workflow.do("a", "users.create", "ada", description="d", retries=3),
            await workflow.do("b", create("grace")),
            await workflow.do("c", inline),
            await workflow.do("d", lambda: 4, returns=int),
            await workflow.do("e", "nothing.here"),
            *await asyncio.gather(workflow.do("f", lambda: 6), workflow.do("g", create("g"))),
            await rpc.invoke("settings.get"),
            await rpc.invoke(create("h")),
            workflow.run_id,
        ]

    workflow = FakeWorkflow({"users.create": asynchronous, "nothing.here": returns(None)}, run_id="r")
    rpc = FakeRpc({"settings.get": returns({"theme": "dark"}), "users.create": lambda data: data})
    assert asyncio.run(flow(workflow, rpc)) == [3, 5, "inline", 4, None, 6, 1, {"theme": "dark"}, "h", "r"]
    assert workflow.calls == [
        ("a", "users.create", "ada"),
        ("b", "users.create", "grace"),
        ("c", None, None),
        ("d", None, None),
        ("e", "nothing.here", None),
        ("f", None, None),
        ("g", "users.create", "g"),
    ]
    assert rpc.calls == [("settings.get", None), ("users.create", "h")]


def test_a_fake_refuses_what_the_engine_would() -> None:
    workflow = FakeWorkflow({"users.create": returns(1)})

    async def twice() -> None:
        await workflow.do("a", "users.create", 1)
        await workflow.do("a", "users.create", 1)

    with pytest.raises(StepNameReusedError, match="'a' is used twice"):
        asyncio.run(twice())
    with pytest.raises(UnknownRpcError, match=r"no fake for RPC 'users\.creat'; did you mean 'users\.create'"):
        workflow.do("b", "users.creat", 1)
    with pytest.raises(InvalidOptionError, match="did you mean 'retries'"):
        workflow.do("c", "users.create", 1, retris=1)
    with pytest.raises(UnknownRpcError, match="nobody"):
        asyncio.run(FakeRpc().invoke("nobody"))


def test_importing_the_kit_does_not_import_pytest() -> None:
    code = "import sys, pyflow_core.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def flaky(registry: Registry) -> Registry:
    tries: list[int] = []

    @wire_rpc("flaky", retries=3, retry_delay="5h")
    async def flaky(n: int) -> int:
        tries.append(n)
        if len(tries) % 3:
            raise ValueError("not yet")
        return n

    @wire_workflow("flow")
    async def flow(n: int, *, workflow: Any) -> int:
        return await workflow.do("a", "flaky", n) + await workflow.do("b", lambda: asyncio.sleep(0, 1), returns=int)

    @wire_workflow("fails")
    async def fails(*, workflow: Any) -> None:
        raise KeyError("no")

    return registry


def test_the_fixture_gives_an_engine_to_plain_tests(
    pyflow_engine: Callable[..., BlockingEngine], flaky: Registry
) -> None:
    e = pyflow_engine(registry=flaky)
    began = e.clock.time()
    assert e.run("flow", 4) == 5
    assert 10 * 3600 <= e.clock.time() - began <= 10 * 3600 + 60
    run_id = e.start("flow", 5)
    assert list(e.steps(run_id)) == ["a"]
    e.call(e.inner.restart())
    assert e.result(run_id) == 6
    assert e.settle(e.start("fails")).status is RunStatus.FAILED
    other = pyflow_engine(registry=flaky)
    assert other.run("flow", 1) == 2


@async_test
async def test_time_stands_still_until_somebody_waits_or_moves_it(flaky: Registry) -> None:
    async with engine(registry=flaky) as e:
        began = e.clock.time()
        handle = await e.start("flow", 1)
        await e.idle()
        assert e.clock.time() == began
        e.clock.advance("4h")
        await e.idle()
        assert (await e.steps(handle))["a"].attempts == 1
        e.clock.advance("1h")
        await e.idle()
        assert (await e.steps(handle))["a"].attempts == 2
        e.clock.advance("5h")
        await e.idle()
        assert await handle.result() == 2
        assert e.clock.time() == began + 10 * 3600


@async_test
async def test_a_run_that_never_ends_is_told_of(flaky: Registry) -> None:
    async with engine(registry=flaky, queues=["workflow-flow-orchestrator"]) as e:
        with pytest.raises(NothingHappensError, match="its steps a are not worked on"):
            await e.run("flow", 1)


@async_test
async def test_real_waiting_inside_a_step_takes_its_real_time(registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        return await workflow.do("s", lambda: asyncio.sleep(0.02, "slept"), returns=str, timeout="1s")

    async with engine(registry=registry) as e:
        assert await e.run("flow") == "slept"


@async_test
async def test_modules_are_imported_by_name(registry: Registry) -> None:
    del registry
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        async with engine(modules=["no_such_module"]):
            pass


@async_test
async def test_a_virtual_clock_wakes_sleepers_in_order() -> None:
    clock = VirtualClock()
    log: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        log.append(name)

    async def bounded() -> None:
        try:
            async with clock.timeout(5):
                await asyncio.Event().wait()
        except TimeoutError:
            log.append("timeout")

    tasks = [asyncio.create_task(sleeper("late", 10)), asyncio.create_task(sleeper("soon", 1))]
    tasks += [asyncio.create_task(bounded()), asyncio.create_task(sleeper("never", 99))]
    await asyncio.sleep(0)
    assert clock.next_due() == clock.time() + 1
    clock.advance("10s")
    for _ in range(5):
        await asyncio.sleep(0)
    assert sorted(log) == ["late", "soon", "timeout"]
    assert log[0] == "soon"
    tasks[-1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.next_due() is None


@async_test
async def test_an_engine_ends_though_its_steps_hang(registry: Registry) -> None:
    @wire_rpc("hang")
    async def hang() -> None:
        await asyncio.Event().wait()

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        await asyncio.gather(workflow.do("a", "hang"), workflow.do("b", asyncio.Event().wait, returns=bool))

    async with engine(registry=registry) as e:
        await e.start("flow")
        await e.idle()


@async_test
async def test_a_workflow_function_is_testable_with_fakes_alone(registry: Registry) -> None:
    async def flow(data: str, *, workflow: Any, logger: Any) -> str:
        try:
            return await workflow.do("a", "fails", data)
        except StepFailedError:
            logger.info("failed")
            return "failed"

    assert await flow("x", workflow=FakeWorkflow({"fails": str.upper}), logger=logging.getLogger()) == "X"


class Rules(BaseModel):
    words: list[str]


class Review(BaseModel):
    text: str
    rules: Payload[Rules]


async def review(data: Review, *, step: Step) -> Payload[bytes]:
    rules = await data.rules.load()
    found = [word for word in rules.words if word in data.text]
    return await step.store([word.encode() for word in found], name="found.txt")


def test_functions_that_load_and_store_payloads_are_called_with_fakes() -> None:
    async def scenario() -> None:
        payloads = FakePayloads()
        rules = payloads.of(Rules(words=["urgent", "refund"]))
        assert is_handle(rules)
        assert rules.size_bytes == len('{"words":["urgent","refund"]}')
        found = await review(Review(text="urgent!", rules=rules), step=Step(streams=payloads.streams))
        assert await found.load() == b"urgent"
        assert [chunk async for chunk in found.open()] == [b"urgent"]
        assert await found.range(1, 3) == b"rg"

    asyncio.run(scenario())


def test_fake_payloads_are_what_functions_save_to_inside_of_them() -> None:
    async def scenario() -> None:
        with FakePayloads() as payloads:
            saved = await Payload.save([Rules(words=["a"])], list[Rules])
            assert await saved.load() == [Rules(words=["a"])]
        with pytest.raises(PayloadForbiddenError):
            await Payload.save("outside")
        with pytest.raises(PayloadMissingError), FakePayloads():
            await saved.load()
        assert await payloads.of(7).load() == 7

    asyncio.run(scenario())


def test_a_fake_workflow_gives_handles_to_what_is_asked_for_lazily() -> None:
    load: RpcRef[str, Rules] = RpcRef("rules.load")
    pick: RpcRef[Payload[Rules], str] = RpcRef("rules.pick")

    async def flow(workflow: Any) -> Any:
        rules = await workflow.do("load", load("eu").lazy())
        again = await workflow.do("again", RpcCall("rules.keep", rules).lazy())
        assert again is rules
        return await workflow.do("pick", pick(rules))

    async def first(data: Payload[Rules]) -> str:
        return (await data.load()).words[0]

    def keep(data: Payload[Rules]) -> Payload[Rules]:
        return data

    fakes: dict[str, Any] = {"rules.load": returns(Rules(words=["a"])), "rules.pick": first, "rules.keep": keep}
    assert asyncio.run(flow(FakeWorkflow(fakes))) == "a"
    with pytest.raises(InvalidOptionError, match="lazy"):
        asyncio.run(FakeRpc(fakes).invoke(load("eu").lazy()))


@async_test
async def test_a_test_saves_configurations_for_its_engine(registry: Registry) -> None:
    @wire_workflow("count")
    async def count(data: Payload[Rules], *, workflow: Any) -> int:
        async def load() -> int:
            return len((await data.load()).words)

        counted: int = await workflow.do("count", load)
        return counted

    async with engine(registry=registry) as e:
        assert await e.run("count", await Payload.save(Rules(words=["a", "b"]))) == 2
    with pytest.raises(PayloadForbiddenError):
        await Payload.save("afterwards")
