"""The order in which things happen is that of the record: the same live and in every replay."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, replay, run_and_replay
from pyflow_services.memory import MemoryStateService

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.testing import engine
from pyflow_core.testing.interception import intercept

if TYPE_CHECKING:
    from pyflow_core.ports.state import Activation
    from pyflow_core.wiring import Registry

NAMES = [f"n{i}" for i in range(12)]


class Services:
    def __init__(self, gates: Gates) -> None:
        self.gates = gates


async def hold(name: str, *, gates: Gates) -> str:
    await gates.wait(name)
    return name


async def set_of_tasks(workflow: Any) -> list[str]:
    tasks = {asyncio.create_task(workflow.do(name, "hold", name)) for name in NAMES}
    done, _ = await asyncio.wait(tasks)
    return [task.result() for task in done]


async def set_of_calls(workflow: Any) -> list[str]:
    calls = {workflow.do(name, "hold", name) for name in NAMES}
    return [await call for call in calls]


async def set_of_futures(workflow: Any) -> list[str]:
    loop = asyncio.get_running_loop()
    futures = {loop.create_future(): name for name in NAMES}
    for future, name in futures.items():
        future.set_result(await workflow.do(name, "hold", name))
    return [future.result() for future in set(futures)]


async def cancelled_by_a_task_group(workflow: Any) -> list[str]:
    log: list[str] = []

    async def branch(name: str) -> None:
        try:
            await workflow.do(name, "hold", name)
        except asyncio.CancelledError:
            log.append(name)
            raise

    async def bad() -> None:
        await workflow.do("bad", lambda: asyncio.sleep(0))
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            for name in NAMES:
                group.create_task(branch(name))
            group.create_task(bad())
    except* ValueError:
        pass
    return log


async def completed_calls(workflow: Any) -> list[str]:
    calls = [workflow.do(name, "hold", name) for name in NAMES]
    return [await first for first in asyncio.as_completed(calls)]


async def pending_after_the_first(workflow: Any) -> list[str]:
    tasks = {asyncio.create_task(workflow.do(name, "hold", name), name=name) for name in NAMES}
    order = []
    while tasks:
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        order += [*(task.result() for task in done), *(task.get_name() for task in tasks)]
    return order


SETS = [
    set_of_tasks,
    set_of_calls,
    set_of_futures,
    cancelled_by_a_task_group,
    completed_calls,
    pending_after_the_first,
]


@pytest.mark.parametrize("body", SETS, ids=lambda body: body.__name__)
@async_test
async def test_sets_have_one_order_in_twenty_replays(registry: Registry, body: Any) -> None:
    wire_rpc("hold", hold)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        return await body(workflow)

    shuffled = random.Random(5).sample(NAMES, len(NAMES))
    gates = Gates(*shuffled)
    if body in (set_of_calls, set_of_futures):
        gates.open_all()
    async with engine(registry=registry, services=Services(gates), concurrency=20) as e:
        handle = await e.start("flow")
        live = await e.result(handle)
        junk = []
        for _ in range(20):
            # Other addresses each time, as in another process.
            junk.append([object() for _ in range(random.randrange(200))])
            again = await replay(e, handle.run_id)
            assert again.outcome == live
            junk.append(again)


@async_test
async def test_tasks_are_named_by_their_order(registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        async def name() -> str:
            task = asyncio.current_task()
            assert task is not None
            return task.get_name()

        return [await name(), *await asyncio.gather(name(), name())]

    async with engine(registry=registry) as e:
        assert await run_and_replay(e, "flow") == ["workflow", "branch-2", "branch-3"]


@async_test
async def test_a_gather_over_ten_steps_asks_for_all_in_one_activation(mode: Mode, registry: Registry) -> None:
    activations: list[Activation] = []

    @wire_rpc("double")
    async def double(n: int) -> int:
        return n * 2

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[int]:
        return await asyncio.gather(*(workflow.do(f"s{i}", "double", i) for i in range(10)))

    async with mode.engine(registry=registry) as e:
        commit = e.state.commit

        async def spy(activation: Activation) -> Any:
            activations.append(activation)
            return await commit(activation)

        e.state.commit = spy
        assert await run_and_replay(e, "flow") == [i * 2 for i in range(10)]
    assert [len(activation.asks) for activation in activations if activation.asks] == [10]
    assert {ask.asked_at for activation in activations for ask in activation.asks} == {0}


@pytest.mark.parametrize("fused", [True, False])
@async_test
async def test_without_fused_commits_a_workflow_sees_only_what_is_written(registry: Registry, fused: bool) -> None:
    written: list[bool] = []

    @wire_rpc("double")
    async def double(n: int) -> int:
        return n * 2

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        async def branch(name: str, target: Any, *data: Any) -> None:
            await workflow.do(name, target, *data)
            # What no workflow may do: look at the store at this very moment.
            row = state._tables.runs[workflow.run_id].steps.get(name)
            written.append(row is not None and row.seq is not None)

        await asyncio.gather(branch("a", "double", 1), branch("b", lambda: 2), branch("c", "double", 3))
        await branch("d", lambda: 4)

    async with engine(registry=registry, fused=fused) as e:
        state: Any = e.state
        await (await e.start("flow")).result()
    assert len(written) == 4
    assert all(written) == (not fused)


@async_test
async def test_any_order_of_ends_is_replayed_as_it_was(registry: Registry) -> None:  # noqa: C901 - a random program
    """Random programs of branches, whose steps end in random orders."""
    wire_rpc("hold", hold)

    @wire_workflow("flow")
    async def flow(seed: int, *, workflow: Any) -> list[str]:
        choose = random.Random(seed)
        log: list[str] = []

        async def branch(prefix: str, depth: int) -> None:
            for i in range(choose.randrange(1, 4)):
                name = f"{prefix}.{i}"
                kind = choose.randrange(5)
                if kind == 0 and depth < 2:
                    await asyncio.gather(*(branch(f"{name}{c}", depth + 1) for c in "xyz"))
                elif kind == 1:
                    log.append(str(await workflow.do(name, lambda name=name: asyncio.sleep(0, name), returns=str)))
                elif kind == 2:
                    log.append(await workflow.do(name, lambda name=name: name, returns=str))
                elif kind == 3:
                    tasks = [asyncio.create_task(workflow.do(f"{name}{c}", "hold", f"{name}{c}")) for c in "pq"]
                    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    log.extend(task.result() for task in done)
                    for task in pending:
                        task.cancel()
                else:
                    log.append(await workflow.do(name, "hold", name))

        await asyncio.gather(*(branch(c, 0) for c in "abc"))
        return log

    class Random:
        def __init__(self, seed: int) -> None:
            self._choose = random.Random(seed)

        async def wait(self, name: str) -> None:
            for _ in range(self._choose.randrange(12)):
                await asyncio.sleep(0)

    for seed in range(40):
        for fused in (True, False):
            async with engine(registry=registry, services=Services(Random(seed)), fused=fused) as e:  # type: ignore[arg-type]
                await run_and_replay(e, "flow", seed)


@async_test
async def test_store_answers_in_any_time_make_no_difference(registry: Registry) -> None:
    """The store takes a random number of turns for each call, so that commits, results and claims overtake another."""
    wire_rpc("hold", hold)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        log: list[str] = []

        async def branch(name: str) -> None:
            log.append(await workflow.do(name, "hold", name))
            log.append(await workflow.do(f"{name}-inline", lambda: name, returns=str))
            log.append(await workflow.do(f"{name}-again", "hold", f"{name}-again"))

        await asyncio.gather(*(branch(name) for name in "abcd"))
        return log

    for seed in range(60):
        choose = random.Random(seed)

        async def slowly(method: str, call: Any, choose: random.Random = choose) -> Any:
            for _ in range(choose.randrange(8)):
                await asyncio.sleep(0)
            answer = await call()
            for _ in range(choose.randrange(8)):
                await asyncio.sleep(0)
            return answer

        gates = Gates()
        gates.open_all()
        fused, cache, concurrency = choose.random() < 0.5, choose.choice([None, 0, 1]), choose.choice([1, 2, 10])
        async with engine(
            registry=registry,
            services=Services(gates),
            state=lambda clock, slowly=slowly: intercept(MemoryStateService(clock=clock), slowly),
            fused=fused,
            cache=cache,
            concurrency=concurrency,
        ) as e:
            output = await run_and_replay(e, "flow")
            assert len(output) == 12
