"""Executions that this process lets go unwind without a trace, and never die by garbage collection."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, replay, second_worker

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.engine import loop as loop_module
from pyflow_core.errors import ExecutionRetired
from pyflow_core.testing import engine

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry

ORCHESTRATOR = ["workflow-*-orchestrator"]


async def step(name: str) -> str:
    return name


async def compensates(log: list[str], workflow: Any) -> None:
    try:
        await workflow.do("charge", "step", "charge")
    except BaseException as error:
        log.append(type(error).__name__)
        await workflow.do("refund", "step", "refund")
        raise
    finally:
        log.append(f"finally in {threading.current_thread().name}")
        asyncio.get_running_loop().create_task(workflow.do("stray", "step", "stray"))
        await workflow.do("release", "step", "release")


async def loops_for_ever(log: list[str], workflow: Any) -> None:
    while True:
        try:
            await workflow.do(f"s{len(log)}", "step", "s")
        except BaseException as error:  # noqa: BLE001
            log.append(type(error).__name__)


async def spins(log: list[str], workflow: Any) -> None:
    try:
        await workflow.do("a", "step", "a")
    finally:
        while True:
            try:
                await asyncio.sleep(0)
                log.append("spin")
            except BaseException:  # noqa: BLE001
                pass


async def task_group(log: list[str], workflow: Any) -> None:
    async def branch(name: str) -> None:
        try:
            await workflow.do(name, "step", name)
        finally:
            log.append(f"finally {name}")
            await workflow.do(f"undo-{name}", "step", name)

    async with asyncio.TaskGroup() as group:
        group.create_task(branch("x"))
        group.create_task(branch("y"))


async def generator(log: list[str], workflow: Any) -> None:
    async def generate() -> Any:
        try:
            for i in range(3):
                yield await workflow.do(f"g{i}", "step", f"g{i}")
        finally:
            log.append("finally of the generator")
            await workflow.do("close", "step", "close")

    async for _ in generate():
        pass


async def invokes(log: list[str], workflow: Any, rpc: Any) -> None:
    try:
        await workflow.do("a", "step", "a")
    finally:
        log.append(str(await rpc.invoke("step", "from a finally")))


BODIES = [compensates, loops_for_ever, task_group, generator, invokes]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@pytest.mark.parametrize("how", ["evicted", "crashed", "lease lost"])
@async_test
async def test_a_dropped_run_emits_nothing(registry: Registry, body: Any, how: str) -> None:
    log: list[str] = []
    invoked: list[str] = []

    @wire_rpc("step")
    async def step(name: str) -> str:
        invoked.append(name)
        return name

    @wire_workflow("flow")
    async def flow(other: bool, *, workflow: Any, rpc: Any) -> None:
        if other:
            await workflow.do("other", "step", "other")
            gc.collect()
            await workflow.do("end", lambda: 1)
        elif body is invokes:
            await body(log, workflow, rpc)
        else:
            await body(log, workflow)

    # Nobody runs its steps, so that the run parks and its execution is kept, or is owned still when the worker dies.
    async with engine(registry=registry, queues=ORCHESTRATOR, cache=1) as e:
        handle = await e.start("flow", False)
        await e.idle()
        before = await e.steps(handle)
        if how == "evicted":
            await e.start("flow", True)
        elif how == "crashed":
            await e.crash()
        else:
            e.worker._lease_lost()
        await e.idle()
        gc.collect()
        await e.idle()
        assert await e.steps(handle) == before, "the dropped run left a step"
        events = [event.type for event in await e.state.list_events(handle.run_id)]
        assert set(events) <= {"run.created", "run.claimed", "step.scheduled", "run.parked"}
        assert invoked == []
        assert all("MainThread" in line for line in log if line.startswith("finally in"))
        assert "spin" not in log


@async_test
async def test_a_run_that_swallows_its_retirement_is_parked_and_reported(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    wire_rpc("step", step)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        await loops_for_ever(log, workflow)

    async with engine(registry=registry, queues=ORCHESTRATOR) as e:
        await e.start("flow")
        await e.idle()
        kept = len(loop_module._kept)
        with caplog.at_level(logging.WARNING):
            await e.crash()
        assert "run.tasks_would_not_end" in caplog.text
        assert len(loop_module._kept) == kept + 1
        raised = len(log)
        assert 100 <= raised <= 110, "it raises a hundred times, then parks"
        assert set(log) == {"CancelledError", "ExecutionRetired"}
        gc.collect()
        await e.idle()
        assert len(log) == raised, "the kept frame ran on"


@async_test
async def test_a_run_that_spins_while_it_is_retired_ends_all_the_same(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr("pyflow_core.engine.loop.DRAIN_BUDGET", 1000)
    wire_rpc("step", step)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        await spins(log, workflow)

    async with engine(registry=registry, queues=ORCHESTRATOR) as e:
        await e.start("flow")
        await e.idle()
        await e.crash()
        spun = len(log)
        assert spun < 20_000
        await e.idle()
        assert len(log) == spun


@async_test
async def test_execution_retired_cannot_be_recorded(registry: Registry) -> None:
    seen: list[str] = []
    wire_rpc("step", step)

    @wire_workflow("flow")
    async def flow(*, workflow: Any, rpc: Any, logger: Any) -> str:
        try:
            await workflow.do("a", "step", "a")
        except BaseException as error:  # noqa: BLE001
            seen.append(type(error).__name__)
            for attempt in (
                lambda: workflow.do("b", "step", "b"),
                lambda: workflow.do("c", lambda: 1),
                lambda: rpc.invoke("step", "x"),
            ):
                try:
                    await attempt()
                except ExecutionRetired:
                    seen.append("retired")
            seen.append(str(asyncio.get_running_loop().time()))
            return "swallowed"
        return "done"

    async with engine(registry=registry, queues=ORCHESTRATOR) as e:
        began = e.clock.time()
        handle = await e.start("flow")
        await e.idle()
        e.clock.advance("1h")
        await e.crash()
        assert seen == ["CancelledError", "retired", "retired", "retired", str(began)]
        async with second_worker(e):
            assert await e.result(handle) == "done"


@async_test
async def test_a_logger_is_silent_while_a_run_is_retired(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    wire_rpc("step", step)

    @wire_workflow("flow")
    async def flow(*, workflow: Any, logger: Any) -> None:
        try:
            await workflow.do("a", "step", "a")
        finally:
            logger.warning("unwinding")

    async with engine(registry=registry, queues=ORCHESTRATOR) as e:
        await e.start("flow")
        await e.idle()
        with caplog.at_level(logging.INFO):
            await e.crash()
    assert "unwinding" not in caplog.text


@async_test
async def test_a_retired_run_goes_on_where_it_was(mode: Mode, registry: Registry) -> None:
    """More suspended runs than the cache holds."""
    gates = Gates()

    @wire_rpc("hold")
    async def hold(name: str) -> str:
        await gates.wait(name)
        return name

    @wire_workflow("flow")
    async def flow(name: str, *, workflow: Any) -> list[str]:
        return [await workflow.do(f"{name}{i}", "hold", f"{name}{i}") for i in range(3)]

    async with mode.engine(registry=registry) as e:
        handles = [await e.start("flow", name) for name in "abcdef"]
        await e.idle()
        gates.open_all()
        for name, handle in zip("abcdef", handles, strict=True):
            assert await e.result(handle) == [f"{name}{i}" for i in range(3)]
            assert (await replay(e, handle.run_id)).outcome == [f"{name}{i}" for i in range(3)]
