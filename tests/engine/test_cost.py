"""What a run costs: commits, store calls, loads. Counted, never timed."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import CrashableSqlite, Gates, async_test, replay
from pyflow_services.memory import MemoryStateService

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.testing import engine
from pyflow_core.testing.interception import intercept

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.wiring import Registry

_LOOKS = {"reap", "settled", "numbers", "revoked", "get_run", "next_due"}


@pytest.fixture(autouse=True)
def _wiring(registry: Registry) -> None:
    del registry

    @wire_rpc("double")
    async def double(n: int) -> int:
        return n * 2

    @wire_workflow("inline")
    async def inline(count: int, *, workflow: Any) -> int:
        return sum([await workflow.do(f"s{i}", lambda i=i: i, returns=int) for i in range(count)])

    @wire_workflow("rpc")
    async def rpc(count: int, *, workflow: Any) -> int:
        return sum([await workflow.do(f"s{i}", "double", i) for i in range(count)])

    @wire_workflow("fan")
    async def fan(count: int, *, workflow: Any) -> int:
        return sum(await asyncio.gather(*(workflow.do(f"s{i}", "double", i) for i in range(count))))


def store(kind: str, folder: Path) -> Any:
    if kind == "memory":
        return None
    return lambda clock: CrashableSqlite(folder / "state.db", synchronous="normal", clock=clock)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize(
    ("workflow", "fused", "most"),
    [("inline", True, 11), ("inline", False, 12), ("rpc", True, 12), ("rpc", False, 32), ("fan", True, 12)],
)
@async_test
async def test_ten_steps_take_few_commits(
    registry: Registry, tmp_path: Path, kind: str, workflow: str, fused: bool, most: int
) -> None:
    async with engine(registry=registry, state=store(kind, tmp_path), fused=fused) as e:
        await e.run(workflow, 1)
        await e.idle()
        state: Any = e.state
        before = state.commits
        handle = await e.start(workflow, 10)
        await handle.result()
        assert state.commits - before <= most


@pytest.mark.parametrize("workflow", ["inline", "rpc"])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("cache", [None, 0])
@async_test
async def test_store_calls_grow_linearly(registry: Registry, workflow: str, fused: bool, cache: int | None) -> None:
    calls: Counter[str] = Counter()

    async def count(method: str, call: Any) -> Any:
        calls[method] += 1
        return await call()

    async with engine(
        registry=registry,
        state=lambda clock: intercept(MemoryStateService(clock=clock), count),
        fused=fused,
        cache=cache,
    ) as e:
        costs = {}
        for steps in (10, 100):
            await e.idle()
            calls.clear()
            await (await e.start(workflow, steps)).result()
            costs[steps] = sum(number for name, number in calls.items() if name not in _LOOKS)
        assert costs[100] <= 10 * costs[10]


@pytest.mark.parametrize("workflow", ["inline", "rpc", "fan"])
@async_test
async def test_a_thousand_steps_cost_no_more_each_than_a_hundred(registry: Registry, workflow: str) -> None:
    calls: Counter[str] = Counter()

    async def count(method: str, call: Any) -> Any:
        calls[method] += 1
        return await call()

    async with engine(
        registry=registry, state=lambda clock: intercept(MemoryStateService(clock=clock), count), concurrency=1000
    ) as e:
        costs = {}
        for steps in (100, 1000):
            await e.idle()
            calls.clear()
            await (await e.start(workflow, steps)).result()
            costs[steps] = sum(number for name, number in calls.items() if name not in _LOOKS)
        assert costs[1000] <= 10 * costs[100]


@async_test
async def test_a_replay_of_a_thousand_steps_is_one_load(registry: Registry) -> None:
    calls: Counter[str] = Counter()

    async def count(method: str, call: Any) -> Any:
        calls[method] += 1
        return await call()

    gates = Gates()

    @wire_workflow("long")
    async def long(*, workflow: Any) -> int:
        total = sum([await workflow.do(f"s{i}", lambda: 1) for i in range(1000)])

        async def wait() -> int:
            await gates.wait("end")
            return 1

        return total + await workflow.do("end", wait)

    async with engine(registry=registry, state=lambda clock: intercept(MemoryStateService(clock=clock), count)) as e:
        handle = await e.start("long")
        while "end" not in gates.entered:
            await e.idle()
        gates.open_all()
        await e.crash()
        calls.clear()
        await e.begin()
        assert await e.result(handle) == 1001
        assert calls["load_run"] + calls["load_after"] <= 1
        assert calls["commit"] == 1, "the last step and the end"
        executed = gates.entered.count("end")
        assert executed == 2
        assert (await replay(e, handle.run_id)).outcome == 1001


@async_test
async def test_many_runs_share_commits(registry: Registry, tmp_path: Path) -> None:
    async with engine(registry=registry, state=store("sqlite", tmp_path), concurrency=1000) as e:
        await e.run("inline", 1)
        await e.idle()
        state: Any = e.state
        before = state.commits
        handles = await asyncio.gather(*(e.start("inline", 10) for _ in range(50)))
        await asyncio.gather(*(handle.result() for handle in handles))
        assert state.commits - before < 50 * 11 / 10
