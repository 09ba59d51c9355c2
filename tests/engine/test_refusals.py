"""What workflow code must not do blocks its run, by name, and nothing of that activation leaves."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, blocked

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.engine import loop as private_loop
from pyflow_core.ports.state import RunStatus

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


async def same(data: int) -> int:
    return data


def wire(func: Any) -> Any:
    wire_rpc("same", same)
    return wire_workflow("flow", func)


async def sleeps(workflow: Any) -> Any:
    await asyncio.sleep(1)


async def bounds_a_step_by_asyncio_timeout(workflow: Any) -> Any:
    async with asyncio.timeout(5):
        await workflow.do("a", "same", 1)


async def bounds_a_step_by_wait_for(workflow: Any) -> Any:
    await asyncio.wait_for(workflow.do("a", "same", 1), 5)


async def calls_later(workflow: Any) -> Any:
    asyncio.get_running_loop().call_later(1, print)
    await workflow.do("a", "same", 1)


async def uses_a_thread(workflow: Any) -> Any:
    await asyncio.to_thread(print)


async def opens_a_connection(workflow: Any) -> Any:
    await asyncio.open_connection("127.0.0.1", 1)


async def reads_a_socket(workflow: Any) -> Any:
    with socket.socket() as sock:
        await asyncio.get_running_loop().sock_recv(sock, 1)


async def starts_a_process(workflow: Any) -> Any:
    await asyncio.create_subprocess_exec("true")


async def looks_a_name_up(workflow: Any) -> Any:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def runs_a_loop(workflow: Any) -> Any:
    coroutine = workflow.do("a", "same", 1)
    asyncio.get_running_loop().run_until_complete(coroutine)


async def handles_a_signal(workflow: Any) -> Any:
    asyncio.get_running_loop().add_signal_handler(15, print)


async def awaits_a_future_of_another_loop(workflow: Any) -> Any:
    other = asyncio.new_event_loop()
    try:
        await other.create_future()
    finally:
        other.close()


IO = [
    (sleeps, "timeout='30s'"),
    (bounds_a_step_by_asyncio_timeout, "timeout='30s'"),
    (bounds_a_step_by_wait_for, "timeout='30s'"),
    (calls_later, "timeout='30s'"),
    (uses_a_thread, "workflow.do(name, fn)"),
    (opens_a_connection, "workflow.do(name, fn)"),
    (reads_a_socket, "workflow.do(name, fn)"),
    (starts_a_process, "workflow.do(name, fn)"),
    (looks_a_name_up, "workflow.do(name, fn)"),
    (runs_a_loop, "workflow.do(name, fn)"),
    (handles_a_signal, "where the worker is started"),
    (awaits_a_future_of_another_loop, "workflow.do(name, fn)"),
]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize(("misdeed", "advice"), IO, ids=lambda value: getattr(value, "__name__", ""))
@async_test
async def test_real_io_is_refused_with_what_to_do_instead(
    some_mode: Mode, registry: Registry, misdeed: Any, advice: str
) -> None:
    @wire
    async def flow(*, workflow: Any) -> int:
        await workflow.do("before", "same", 1)
        beside = asyncio.ensure_future(workflow.do("beside", "same", 2))
        try:
            await misdeed(workflow)
        except BaseException:
            await workflow.do("after", "same", 3)
            raise
        return await beside

    async with some_mode.engine(registry=registry) as e:
        error = await blocked(e, "flow")
        assert error.type == "ForbiddenInWorkflowError"
        assert advice in error.message
        runs = await e.client.list_runs()
        assert list(await e.steps(runs.runs[0].run_id)) == ["before"], "a command of the refused activation left"


@async_test
async def test_a_name_used_twice_is_refused_at_both_places_and_cannot_be_swallowed(
    mode: Mode, registry: Registry
) -> None:
    @wire
    async def flow(*, workflow: Any) -> int:
        await workflow.do("dup", "same", 1)
        while True:
            try:
                return await workflow.do("dup", "same", 1)
            except Exception:  # noqa: BLE001
                pass

    async with mode.engine(registry=registry) as e:
        error = await blocked(e, "flow")
        assert error.code == "step_name_reused"
        assert error.message.count("test_refusals.py:") == 2
        assert "f'dup-{item.id}'" in error.message


@async_test
async def test_a_refusal_cannot_be_swallowed_by_a_finally_that_goes_on(some_mode: Mode, registry: Registry) -> None:
    @wire
    async def flow(*, workflow: Any) -> int:
        for i in range(3):
            try:
                await asyncio.sleep(1)
            finally:
                await workflow.do(f"s{i}", "same", i)
                continue  # noqa: B012
        return 1

    async with some_mode.engine(registry=registry) as e:
        error = await blocked(e, "flow")
        assert error.code == "forbidden_in_workflow"
        assert await e.steps((await e.client.list_runs()).runs[0].run_id) == {}


@async_test
async def test_an_unknown_rpc_is_refused_with_the_nearest(mode: Mode, registry: Registry) -> None:
    @wire
    async def flow(*, workflow: Any) -> int:
        try:
            return await workflow.do("a", "sane", 1)
        except Exception:  # noqa: BLE001
            return 2

    async with mode.engine(registry=registry) as e:
        error = await blocked(e, "flow")
        assert error.code == "unknown_rpc"
        assert "did you mean 'same'?" in error.message


MISUSES = [
    ("a call awaited twice", "step_awaited_twice"),
    ("a bad name", "invalid_name"),
    ("an unknown option", "invalid_option"),
    ("wrong data", "refused_value"),
    ("missing data", "refused_value"),
    ("not a function", "invalid_option"),
    ("as_completed over coroutines", "forbidden_in_workflow"),
    ("an unknown RPC invoked", "unknown_rpc"),
    ("too many steps", "too_many_steps"),
]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize(("what", "code"), MISUSES, ids=[what for what, _ in MISUSES])
@async_test
async def test_a_misuse_of_workflow_is_refused(  # noqa: C901 - one misuse after the other
    some_mode: Mode, registry: Registry, what: str, code: str
) -> None:
    @wire
    async def flow(*, workflow: Any, rpc: Any) -> int:  # noqa: PLR0911 - one misuse after the other
        async def helper(name: str) -> Any:
            return await workflow.do(name, "same", 1)

        try:
            if what == "a call awaited twice":
                call = workflow.do("a", "same", 1)
                return await call + await call
            if what == "a bad name":
                return await workflow.do("a\nb", "same", 1)
            if what == "an unknown option":
                return await workflow.do("a", "same", 1, retris=3)
            if what == "wrong data":
                return await workflow.do("a", "same", {"x": object()})
            if what == "missing data":
                return await workflow.do("a", "same")
            if what == "not a function":
                return await workflow.do("a", 5)
            if what == "as_completed over coroutines":
                return sum([await f for f in asyncio.as_completed([helper("a"), helper("b")])])
            if what == "an unknown RPC invoked":
                return await rpc.invoke("nobody", 1)
            for i in range(10):
                await workflow.do(f"s{i}", lambda: 1)
        except BaseException:  # noqa: BLE001
            return 0
        return 1

    async with some_mode.engine(registry=registry, max_steps=9) as e:
        assert (await blocked(e, "flow")).code == code


@async_test
async def test_a_spinning_workflow_spends_its_budget(
    some_mode: Mode, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_loop, "DRAIN_BUDGET", 500)

    @wire
    async def flow(*, workflow: Any) -> int:
        task = asyncio.ensure_future(workflow.do("a", "same", 1))
        while not task.done():  # noqa: ASYNC110 - the misdeed
            await asyncio.sleep(0)
        return 1

    async with some_mode.engine(registry=registry) as e:
        assert (await blocked(e, "flow")).code == "drain_budget"


@async_test
async def test_progress_renews_the_budget(some_mode: Mode, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_loop, "DRAIN_BUDGET", 500)

    @wire
    async def flow(*, workflow: Any) -> int:
        for i in range(5):
            for _ in range(300):
                await asyncio.sleep(0)
            await workflow.do(f"s{i}", lambda: 1)
        tasks = []
        for i in range(5):
            for _ in range(300):
                await asyncio.sleep(0)
            tasks.append(asyncio.ensure_future(workflow.do(f"t{i}", "same", i)))
        return sum(await asyncio.gather(*tasks))

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("flow") == 10


@async_test
async def test_a_workflow_that_waits_for_nobody_is_blocked_by_name(mode: Mode, registry: Registry) -> None:
    @wire
    async def flow(*, workflow: Any) -> int:
        await workflow.do("a", "same", 1)
        await asyncio.Event().wait()
        return 1

    async with mode.engine(registry=registry) as e:
        assert (await blocked(e, "flow")).code == "stuck"


@async_test
async def test_a_stuck_workflow_is_noticed_though_its_steps_were_claimed_before_it_was_replayed(
    mode: Mode, registry: Registry
) -> None:
    gates = Gates()

    @wire_rpc("hold")
    async def hold(name: str) -> None:
        await gates.wait(name)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        await asyncio.gather(*(workflow.do(name, "hold", name) for name in "abc"))
        await asyncio.Event().wait()
        return 1

    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        while len(gates.entered) < 3:
            await e.idle()
        gates.open("a")
        await e.idle()
        await e.restart()
        while len(gates.entered) < 5:
            await e.idle()
        for name in "bc":
            gates.open(name)
            await e.idle()
        run = await e.settle(handle)
        assert run.error is not None and run.error.code == "stuck"


@async_test
async def test_a_workflow_that_fails_is_failed_and_not_blocked(mode: Mode, registry: Registry) -> None:
    @wire
    async def flow(*, workflow: Any) -> int:
        await workflow.do("a", "same", 1)
        raise KeyError("gone")

    async with mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("flow"))
        assert run.status is RunStatus.FAILED
        assert run.error is not None and run.error.type == "KeyError"
        assert run.error.traceback is not None and "test_refusals.py" in run.error.traceback


@async_test
async def test_a_result_that_cannot_be_stored_fails_the_run(some_mode: Mode, registry: Registry) -> None:
    @wire
    async def flow(*, workflow: Any) -> Any:
        return {"deep": [object()]}

    async with some_mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("flow"))
        assert run.status is RunStatus.FAILED
        assert run.error is not None and "the workflow's result" in run.error.message
        assert "deep" in run.error.message


@async_test
async def test_workflow_do_inside_a_step_is_refused(some_mode: Mode, registry: Registry) -> None:
    @wire
    async def flow(*, workflow: Any) -> list[str]:
        async def nested() -> int:
            return await workflow.do("inner", "same", 1)

        def threaded() -> int:
            return workflow.do("inner", "same", 1)

        seen = []
        for name, step, options in (
            ("plain", lambda: workflow.do("inner", "same", 1), {}),
            ("async", nested, {}),
            ("threaded", threaded, {"thread": True}),
        ):
            try:
                await workflow.do(name, step, returns=int, retries=3, **options)
            except Exception as error:  # noqa: BLE001
                seen.append(f"{name}: {error.error.code} after {error.attempts}")  # type: ignore[attr-defined]
        return seen

    async with some_mode.engine(registry=registry) as e:
        seen = await e.run("flow")
    assert seen == [f"{name}: forbidden_in_step after 1" for name in ("plain", "async", "threaded")]


@async_test
async def test_a_blocked_run_is_tried_again_by_a_worker_with_other_code(mode: Mode, registry: Registry) -> None:
    broken = True
    executions: list[int] = []

    @wire
    async def flow(*, workflow: Any) -> int:
        executions.append(1)
        total = await workflow.do("a", "same", 1)
        if broken:
            await asyncio.sleep(1)
        return total + await workflow.do("b", "same", 2)

    async with mode.engine(registry=registry, code_hash="one") as e:
        handle = await e.start("flow")
        assert (await e.settle(handle)).status is RunStatus.BLOCKED
        tried = len(executions)
        await e.restart()
        for _ in range(5):
            e.clock.advance(1)
            await e.idle()
        assert (await e.settle(handle)).status is RunStatus.BLOCKED
        assert len(executions) == tried, "the same code was tried again"
        broken = False
        await e.restart(code_hash="two")
        assert await e.result(handle) == 3
        assert [step.attempts for step in (await e.steps(handle)).values()] == [1, 1]


@async_test
async def test_a_blocked_run_is_tried_again_by_a_redrive(some_mode: Mode, registry: Registry) -> None:
    broken = True

    @wire
    async def flow(*, workflow: Any) -> int:
        total = await workflow.do("a", "same", 1)
        if broken:
            await asyncio.sleep(1)
        return total

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        assert (await e.settle(handle)).status is RunStatus.BLOCKED
        broken = False
        await e.state.redrive(handle.run_id)
        assert await e.result(handle) == 1
