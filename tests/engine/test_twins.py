"""A large value that a run passes on is stored once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from engine_bench import Mode, async_test, bar_anyway, replay
from pyflow_services.memory import MemoryPayloadService

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.payload.boundary import referenced_keys

if TYPE_CHECKING:
    from pyflow_core.testing import Engine
    from pyflow_core.wiring import Registry

LARGE = 40_000


def wire_passing(registry: Registry) -> None:
    @wire_rpc("pages.load")
    async def load(data: str) -> str:
        return data * LARGE

    @wire_rpc("pages.count")
    async def count(data: str) -> int:
        return len(data)

    @wire_workflow("pass")
    async def passing(data: str, *, workflow: Any) -> str:
        given = await workflow.do("given", "pages.count", data)
        page: str = await workflow.do("load", "pages.load", "x")
        counts = await asyncio.gather(*(workflow.do(f"count-{n}", "pages.count", page) for n in range(3)))
        made: str = await workflow.do("make", lambda: page + "!", returns=str)
        again = await workflow.do("again", "pages.count", made)
        assert [given, *counts, again] == [LARGE + 5, LARGE, LARGE, LARGE, LARGE + 1]
        return made


async def keys_of(e: Engine, run_id: str) -> dict[str, list[str]]:
    """What each place of a run refers to."""
    run, steps = await e.client.get_run(run_id), await e.steps(run_id)
    places = {"input": run.input, "output": run.output}
    for name, step in steps.items():
        places |= {f"{name} input": step.input, f"{name} output": step.output}
    return {name: keys for name, row in places.items() if (keys := referenced_keys(row))}


@async_test
async def test_a_value_that_is_passed_on_is_stored_once(registry: Registry, mode: Mode) -> None:
    wire_passing(registry)
    payloads = MemoryPayloadService()
    async with mode.engine(registry=registry, payloads=payloads) as e:
        run = await e.start("pass", "y" * (LARGE + 5))
        assert await e.result(run) == "x" * LARGE + "!"
        keys = await keys_of(e, run.run_id)
        stored = {item.key async for item in payloads.objects("payloads/")}
        assert stored == {key for named in keys.values() for key in named}
        assert len(stored) == 3
        assert keys["input"] == keys["given input"]
        assert keys["load output"] == keys["count-0 input"] == keys["count-1 input"] == keys["count-2 input"]
        assert keys["make output"] == keys["again input"] == keys["output"]
        await replay(e, run.run_id)


@async_test
async def test_values_of_equal_size_are_not_taken_for_each_other(registry: Registry, some_mode: Mode) -> None:
    wire_passing(registry)

    @wire_workflow("differ")
    async def differ(*, workflow: Any) -> list[str]:
        pages = [await workflow.do(f"load-{letter}", "pages.load", letter) for letter in "ab"]
        await asyncio.gather(*(workflow.do(f"count-{n}", "pages.count", page) for n, page in enumerate(pages)))
        await workflow.do("count-c", "pages.count", "c" * LARGE)
        swapped: list[str] = pages[::-1]
        return swapped

    payloads = MemoryPayloadService()
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        run = await e.start("differ")
        assert await e.result(run) == ["b" * LARGE, "a" * LARGE]
        keys = await keys_of(e, run.run_id)
        inputs = {name: await payloads.get(named[0]) for name, named in keys.items() if name.endswith("input")}
        assert inputs == {
            "count-0 input": f'"{"a" * LARGE}"'.encode(),
            "count-1 input": f'"{"b" * LARGE}"'.encode(),
            "count-c input": f'"{"c" * LARGE}"'.encode(),
        }


@async_test
async def test_a_run_that_goes_on_elsewhere_stores_nothing_again(registry: Registry, some_mode: Mode) -> None:
    wire_passing(registry)
    gate = asyncio.Event()

    @wire_workflow("later")
    async def later(data: str, *, workflow: Any) -> str:
        page: str = await workflow.do("load", "pages.load", "x")
        await workflow.do("wait", gate.wait)
        await workflow.do("given", "pages.count", data)
        await workflow.do("count", "pages.count", page)
        return page

    payloads = MemoryPayloadService()
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        run = await e.start("later", "y" * LARGE)
        await e.idle()
        await e.restart()
        gate.set()
        await e.result(run)
        assert len([item.key async for item in payloads.objects("payloads/")]) == 2


@async_test
async def test_what_is_stored_under_another_name_takes_its_twins_with_it(registry: Registry, mode: Mode) -> None:
    """What was put first is barred before it is committed: the result goes elsewhere, and what it was passed on to."""
    wire_passing(registry)

    class Barring(MemoryPayloadService):
        async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
            created = await super().put(key, data, ttl_seconds=ttl_seconds)
            if key.startswith("payloads/") and "-2." not in key:
                await bar_anyway(e.state, key)
                await self.delete([key])
            return created

    payloads = Barring()
    async with mode.engine(registry=registry, payloads=payloads) as e:
        run = await e.start("pass", "y" * (LARGE + 5))
        assert await e.result(run) == "x" * LARGE + "!"
        keys = await keys_of(e, run.run_id)
        assert keys["make output"] == keys["again input"] == keys["output"]
        stored = {item.key async for item in payloads.objects("payloads/")}
        assert stored == {key for named in keys.values() for key in named}
        await replay(e, run.run_id)
