"""Cancelling a run, and cancelling a branch of one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, replay, run_and_replay

from pyflow_core import RpcError, Step, StepFailedError, wire_rpc, wire_workflow
from pyflow_core.errors import RunCancelledError
from pyflow_core.log import BRANCH_FAILED
from pyflow_core.ports.state import RunStatus, StepStatus
from pyflow_core.testing import engine

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


class Services:
    def __init__(self, gates: Gates) -> None:
        self.gates = gates


async def hold(name: str, *, gates: Gates = Gates()) -> str:  # noqa: B008 - for tests that hold nothing
    await gates.wait(name)
    return name


async def quick(name: str) -> str:
    return name


@pytest.fixture(autouse=True)
def _rpcs(registry: Registry) -> None:
    wire_rpc("hold", hold)
    wire_rpc("quick", quick)


async def entered(e: Any, gates: Gates, name: str) -> None:
    while name not in gates.entered:
        await e.idle()


@async_test
async def test_a_cancel_is_delivered_once_and_handlers_may_ask_for_steps(mode: Mode, registry: Registry) -> None:
    seen: list[str] = []

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        try:
            await workflow.do("a", "hold", "a")
        except asyncio.CancelledError:
            seen.append("cancelled")
            await workflow.do("undo", "quick", "undo")
            await workflow.do("undo-inline", lambda: 1)
            raise

    gates = Gates()
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        await entered(e, gates, "a")
        await handle.cancel()
        await handle.cancel()
        with pytest.raises(RunCancelledError):
            await e.result(handle)
        run = await e.client.get_run(handle.run_id)
        assert run.status is RunStatus.CANCELLED
        steps = await e.steps(handle)
        assert steps["undo"].status is steps["undo-inline"].status is StepStatus.COMPLETED
        assert steps["a"].status in (StepStatus.FAILED, StepStatus.CANCELLED)
        again = await replay(e, handle.run_id)
        assert again.outcome == "cancelled"
    assert len(set(seen)) == 1


@async_test
async def test_a_cancel_that_is_swallowed_leaves_a_completed_run(mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        try:
            await workflow.do("a", "hold", "a")
        except asyncio.CancelledError:
            return await workflow.do("b", "quick", "swallowed")
        return "not cancelled"

    gates = Gates()
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        await entered(e, gates, "a")
        await handle.cancel()
        assert await e.result(handle) == "swallowed"
        assert (await replay(e, handle.run_id)).outcome == "swallowed"


@async_test
async def test_a_cancel_unwinds_task_groups(mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        log: list[str] = []

        async def branch(name: str) -> None:
            try:
                await workflow.do(name, "hold", name)
            finally:
                log.append(await workflow.do(f"undo-{name}", "quick", f"undo-{name}"))

        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                for name in "abc":
                    group.create_task(branch(name))
        return log

    gates = Gates()
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        for name in "abc":
            await entered(e, gates, name)
        await handle.cancel()
        assert sorted(await e.result(handle)) == ["undo-a", "undo-b", "undo-c"]


@async_test
async def test_a_cancel_during_an_inline_step(mode: Mode, registry: Registry) -> None:
    stopped: list[str] = []

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        async def wait() -> None:
            stopped.append("began")
            try:
                await asyncio.Event().wait()
            finally:
                stopped.append("ended")

        await workflow.do("a", wait)

    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        while not stopped:
            await e.idle()
        await handle.cancel()
        assert (await e.settle(handle)).status is RunStatus.CANCELLED
        await e.idle()
    assert stopped == ["began", "ended"]


@async_test
async def test_a_cancel_reaches_a_run_whose_worker_is_dead(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        await workflow.do("a", "hold", "a")

    gates = Gates()
    async with some_mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        await entered(e, gates, "a")
        await e.crash()
        await handle.cancel()
        await e.begin()
        assert (await e.settle(handle)).status is RunStatus.CANCELLED


@async_test
async def test_a_settled_run_is_not_cancelled(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow() -> int:
        return 1

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        assert await e.result(handle) == 1
        await handle.cancel()
        assert await handle.status() is RunStatus.COMPLETED


@async_test
async def test_a_cancelled_branch_never_runs_what_was_not_claimed(mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        async def branch(name: str) -> str:
            return await workflow.do(name, "hold", name)

        tasks = [asyncio.create_task(branch(name)) for name in ("first", "second", "third")]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await workflow.do("after", "quick", "after")

    gates = Gates("first")
    async with mode.engine(registry=registry, services=Services(gates), concurrency=1) as e:
        handle = await e.start("flow")
        assert await e.result(handle) == "after"
        steps = await e.steps(handle)
        statuses = {name: step.status for name, step in steps.items()}
        assert statuses["first"] is StepStatus.COMPLETED
        # The slot of the first became free, so that the second may have been claimed before it was cancelled.
        assert statuses["third"] is StepStatus.CANCELLED
        assert steps["third"].attempts == 0
        assert "third" not in gates.entered
        assert (await replay(e, handle.run_id)).outcome == "after"


@async_test
async def test_a_cancelled_branch_stops_what_runs_and_gives_its_result_to_nobody(
    mode: Mode, registry: Registry
) -> None:
    stopped: list[str] = []

    @wire_rpc("stubborn")
    async def stubborn(*, step: Step) -> str:
        stopped.append("began")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(f"cancelled {step.cancelled()}")
        return "result all the same"

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        task = asyncio.create_task(workflow.do("stubborn", "stubborn"))
        log = [await workflow.do("a", "hold", "a")]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            log.append(await task)
        log.append(await workflow.do("b", "hold", "b"))
        return log

    gates = Gates()
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        while not stopped:
            await e.idle()
        gates.open("a")
        await entered(e, gates, "b")
        while len(stopped) < 2:
            e.clock.advance(0.1)
            await e.idle()
        gates.open("b")
        assert await e.result(handle) == ["a", "b"]
        step = (await e.steps(handle))["stubborn"]
        assert step.status is StepStatus.COMPLETED
        assert step.output.inline == '"result all the same"'
        assert (await replay(e, handle.run_id)).outcome == ["a", "b"]
    assert stopped == ["began", "cancelled True"]


@async_test
async def test_the_name_of_a_cancelled_step_stays_used(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        task = asyncio.create_task(workflow.do("a", "hold", "a"))
        await workflow.do("b", "quick", "b")
        task.cancel()
        await asyncio.wait([task])
        await workflow.do("a", "quick", "a")

    async with some_mode.engine(registry=registry, services=Services(Gates())) as e:
        run = await e.settle(await e.start("flow"))
        assert run.error is not None and run.error.code == "step_name_reused"


@async_test
async def test_an_inline_step_that_is_cancelled_at_once_leaves_nothing_behind(mode: Mode, registry: Registry) -> None:
    """The cancelled step's task never began: in the same turn another step ended, whose result cancelled it."""
    began: list[str] = []

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        async def wait() -> None:
            began.append("began")
            await asyncio.Event().wait()

        task = asyncio.create_task(workflow.do("slow", wait))
        await workflow.do("quick", lambda: 1)
        task.cancel()
        await asyncio.wait([task])
        await workflow.do("rpc", "quick", "x")
        await asyncio.Event().wait()  # stuck: which is noticed only when nothing is taken for outstanding
        return ""

    async with mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("flow"))
        assert run.error is not None and run.error.code == "stuck"


@async_test
async def test_a_stopped_step_is_not_tried_again(mode: Mode, registry: Registry) -> None:
    attempts: list[str] = []

    async def grumbles() -> None:
        attempts.append("try")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("stopped") from None

    wire_rpc("grumbles", grumbles)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        tasks = [
            asyncio.create_task(workflow.do("rpc", "grumbles", retries=5, retry_delay=0)),
            asyncio.create_task(workflow.do("inline", grumbles, retries=5, retry_delay=0)),
        ]
        await workflow.do("hold", "hold", "hold")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await workflow.do("after", "hold", "after")
        await asyncio.Event().wait()  # stuck: which is noticed only when nothing is taken for outstanding
        return ""

    gates = Gates()
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        while len(attempts) < 2:
            await e.idle()
        gates.open("hold")
        await entered(e, gates, "after")
        for _ in range(10):
            e.clock.advance(1)
            await e.idle()
        gates.open("after")
        run = await e.settle(handle)
        assert run.error is not None and run.error.code == "stuck"
    assert attempts.count("try") == 2


@async_test
async def test_the_error_of_a_branch_that_nobody_awaited_is_logged_and_of_one_that_was_not(
    mode: Mode, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        async def branch(name: str) -> None:
            await workflow.do(name, "quick", name)
            raise ValueError(f"the error of branch {name}")

        awaited = asyncio.create_task(branch("awaited"))
        asyncio.create_task(branch("forgotten"))  # noqa: RUF006 - nobody awaits it: that is what is tested
        with contextlib.suppress(ValueError):
            await awaited
        await workflow.do("last", "quick", "last")
        return "done"

    with caplog.at_level(logging.WARNING):
        async with mode.engine(registry=registry, services=Services(Gates())) as e:
            handle = await e.start("flow")
            assert await e.result(handle) == "done"
    (told,) = [record for record in caplog.records if BRANCH_FAILED in record.getMessage()]
    assert handle.run_id in told.getMessage()
    assert told.exc_info is not None
    assert str(told.exc_info[1]) == "the error of branch forgotten"


@async_test
async def test_branches_alive_at_the_end_are_cancelled_and_their_late_steps_refused(
    mode: Mode, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        async def branch() -> None:
            try:
                await workflow.do("slow", "hold", "slow")
            finally:
                await workflow.do("late", "quick", "late")

        workflow.do("forgotten", "quick", "x").close()
        branch_task = asyncio.create_task(branch())
        await workflow.do("a", "quick", "a")
        del branch_task
        return "done"

    gates = Gates()
    with caplog.at_level(logging.WARNING):
        async with mode.engine(registry=registry, services=Services(gates)) as e:
            handle = await e.start("flow")
            assert await e.result(handle) == "done"
            steps = await e.steps(handle)
            assert set(steps) == {"slow", "a"}
            assert steps["slow"].status is StepStatus.CANCELLED
            assert (await replay(e, handle.run_id)).outcome == "done"
    assert "step.asked_after_end" in caplog.text
    assert "'late'" in caplog.text
    assert "step.never_awaited" in caplog.text
    assert "'forgotten'" in caplog.text


@async_test
async def test_a_generator_left_open_is_closed_at_the_end_and_its_late_steps_refused(
    some_mode: Mode, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        async def generate() -> Any:
            try:
                yield await workflow.do("a", "quick", "a")
            finally:
                await workflow.do("late", "quick", "late")

        return [await anext(generate())]

    with caplog.at_level(logging.WARNING):
        async with some_mode.engine(registry=registry) as e:
            assert await run_and_replay(e, "flow") == ["a"]
    assert "step.asked_after_end" in caplog.text
    assert "'late'" in caplog.text


@async_test
async def test_a_workflow_that_cancels_itself_has_failed(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow() -> None:
        raise asyncio.CancelledError

    async with some_mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("flow"))
        assert run.status is RunStatus.FAILED
        assert run.error is not None and run.error.type == "CancelledError"


@async_test
async def test_a_redrive_after_a_failure_archives_compensations_and_keeps_results(
    mode: Mode, registry: Registry
) -> None:
    calls: list[str] = []
    broken = True

    @wire_rpc("act")
    async def act(name: str, *, step: Step) -> str:
        calls.append(name)
        if name == "charge" and broken:
            raise ValueError("declined")
        return f"{name} {step.idempotency_key.rsplit('/', 2)[1]}"

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        reserved = await workflow.do("reserve", "act", "reserve")
        tax = await workflow.do("tax", lambda: calls.append("tax") or "tax", returns=str)
        try:
            charged = await workflow.do("charge", "act", "charge")
        except StepFailedError:
            await workflow.do("release", "act", "release")
            raise
        return [reserved, tax, charged, await workflow.do("ship", "act", "ship")]

    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        assert (await e.settle(handle)).status is RunStatus.FAILED
        assert calls == ["reserve", "tax", "charge", "release"]
        plan = await e.state.plan_redrive(handle.run_id)
        assert plan is not None
        assert (plan.retried, plan.archived, plan.completed) == ("charge", ("release",), ("release",))
        broken = False
        redriven = await e.state.redrive(handle.run_id)
        assert redriven is not None and redriven.generation == 2
        assert await e.result(handle) == ["reserve 1", "tax", "charge 2", "ship 2"]
        assert calls == ["reserve", "tax", "charge", "release", "charge", "ship"]
        assert list(await e.steps(handle)) == ["reserve", "tax", "charge", "ship"]
        assert (await replay(e, handle.run_id)).outcome == ["reserve 1", "tax", "charge 2", "ship 2"]


@async_test
async def test_a_redrive_finds_the_step_by_the_declared_error_that_ended_the_run(
    some_mode: Mode, registry: Registry
) -> None:
    class ClosedError(RpcError):
        code = "closed"

    tried: list[str] = []

    @wire_rpc("open", raises=[ClosedError])
    async def open_(data: str) -> str:
        tried.append(data)
        if len(tried) == 2:
            raise ClosedError("it is closed")
        return data

    @wire_workflow("opening")
    async def opening(*, workflow: Any) -> list[str]:
        return [await workflow.do(name, "open", name) for name in ("first", "second")]

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("opening")
        run = await e.settle(handle)
        assert run.error is not None
        assert (run.error.code, run.error.step_name, run.error.fields) == ("closed", "second", None)
        redriven = await e.state.redrive(handle.run_id)
        assert redriven is not None and redriven.retried == "second"
        await e.restart()
        assert await e.result(handle) == ["first", "second"]
        assert tried == ["first", "second", "second"]


@async_test
async def test_a_redrive_of_parallel_steps_keeps_what_ended_after_the_failure(
    some_mode: Mode, registry: Registry
) -> None:
    calls: list[str] = []
    broken = True

    @wire_rpc("act")
    async def act(name: str, *, gates: Gates) -> str:
        await gates.wait(name)
        calls.append(name)
        if name == "bad" and broken:
            raise ValueError("declined")
        return name

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        results = await asyncio.gather(
            *(workflow.do(name, "act", name) for name in ("bad", "slow")), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results  # type: ignore[return-value]

    gates = Gates("bad", "slow")
    async with some_mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        assert (await e.settle(handle)).status is RunStatus.FAILED
        broken = False
        await e.state.redrive(handle.run_id)
        assert await e.result(handle) == ["bad", "slow"]
        assert calls == ["bad", "slow", "bad"]


@async_test
async def test_a_cancelled_run_is_redriven_from_its_cancel(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        first = await workflow.do("first", "quick", "first")
        try:
            return [first, await workflow.do("a", "hold", "a")]
        except asyncio.CancelledError:
            await workflow.do("undo", "quick", "undo")
            raise

    gates = Gates()
    async with some_mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        await entered(e, gates, "a")
        await handle.cancel()
        assert (await e.settle(handle)).status is RunStatus.CANCELLED
        gates.open_all()
        await e.state.redrive(handle.run_id)
        assert await e.result(handle) == ["first", "a"]
        assert list(await e.steps(handle)) == ["first", "a"]


@async_test
async def test_cancelling_is_the_same_whatever_the_moment(registry: Registry) -> None:
    """A cancel request at every turn of the loop: the run ends, and its history replays to the same end."""

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        log = []
        try:
            for name in "abc":
                log.append(await workflow.do(name, "quick", name))
                await asyncio.gather(
                    workflow.do(f"{name}1", "quick", name), workflow.do(f"{name}2", lambda: asyncio.sleep(0, 2))
                )
        except asyncio.CancelledError:
            log.append("cancelled")
            log.append(await workflow.do("undo", "quick", "undo"))
        return log

    for fused in (True, False):
        for turns in range(0, 120, 2):
            async with engine(registry=registry, fused=fused) as e:
                handle = await e.start("flow")
                for _ in range(turns):
                    await asyncio.sleep(0)
                await handle.cancel()
                output = await e.result(handle)
                assert (await replay(e, handle.run_id)).outcome == output
                assert output == [*"abc"] or output[-2:] == ["cancelled", "undo"]


@async_test
async def test_what_a_branch_was_given_late_is_the_same_on_replay(mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        log: list[str] = []

        async def branch(name: str) -> None:
            try:
                log.append(await workflow.do(name, "hold", name))
            except asyncio.CancelledError:
                log.append(f"{name} cancelled")
                raise

        tasks = [asyncio.create_task(branch(name)) for name in "abcde"]
        while len(log) < 3:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            tasks = [task for task in tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return log

    gates = Gates("d", "b", "e")
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        output = await run_and_replay(e, "flow")
    assert output == ["d", "b", "e", "a cancelled", "c cancelled"]
