"""The private loop inside other hosts: uvloop, asyncio's debug mode, a loop that is closed and made anew."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, run_and_replay
from test_patterns import EXPECTED, ORDERS, PATTERNS, Services, echo, plain

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.testing import engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.wiring import Registry


def uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    uvloop = pytest.importorskip("uvloop")
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def play_all(registry: Registry) -> None:
    wire_rpc("echo", echo)
    wire_rpc("plain", plain)
    for func in PATTERNS:
        wire_workflow(func.__name__.replace("_", "-"), func)

    @wire_rpc("threaded")
    def threaded(n: int) -> int:
        return n + 1

    @wire_workflow("threads")
    async def threads(*, workflow: Any) -> list[int]:
        return await asyncio.gather(*(workflow.do(f"s{i}", "threaded", i) for i in range(5)))

    for fused in (True, False):
        for func in PATTERNS:
            gates = Gates(*ORDERS[func.__name__])
            async with engine(registry=registry, services=Services(gates), fused=fused) as e:
                host, task = asyncio.get_running_loop(), asyncio.current_task()
                assert await run_and_replay(e, func.__name__.replace("_", "-")) == EXPECTED[func.__name__]
                assert (asyncio.get_running_loop(), asyncio.current_task()) == (host, task)
                assert await e.run("threads") == [1, 2, 3, 4, 5]


def test_every_pattern_under_uvloop(registry: Registry) -> None:
    with asyncio.Runner(loop_factory=uvloop_factory()) as runner:
        runner.run(play_all(registry))


def test_every_pattern_in_debug_mode(registry: Registry) -> None:
    asyncio.run(play_all(registry), debug=True)


def test_a_refusal_leaves_the_host_as_it_was(registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        await asyncio.sleep(1)

    async def main() -> None:
        hooks = sys.get_asyncgen_hooks()
        async with engine(registry=registry) as e:
            await e.settle(await e.start("flow"))
            assert asyncio.get_running_loop() is host
            assert asyncio.current_task() in asyncio.all_tasks()
            await asyncio.sleep(0.001)
        assert sys.get_asyncgen_hooks() == hooks

    with asyncio.Runner() as runner:
        host = runner.get_loop()
        runner.run(main())
        runner.run(main())
