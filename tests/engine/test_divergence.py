"""Code that no longer fits a run's record blocks the run; it is never fed a wrong value."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test
from pydantic import BaseModel

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.ports.state import RunStatus
from pyflow_core.wiring import isolated_registry

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


class Services:
    def __init__(self) -> None:
        self.gates = Gates()


async def one(name: str, *, gates: Gates) -> str:
    await gates.wait(name)
    return f"one {name}"


async def two(name: str, *, gates: Gates) -> str:
    return f"two {name}"


def code(func: Any) -> Registry:
    with isolated_registry() as registry:
        wire_rpc("one", one)
        wire_rpc("two", two)
        wire_workflow("flow", func)
    return registry


async def original(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "one", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def removes_a_step(*, workflow: Any) -> list[Any]:
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return ["", b, c, await workflow.do("d", "one", "d")]


async def renames_a_step(*, workflow: Any) -> list[Any]:
    a = await workflow.do("renamed", "one", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def inserts_a_step(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "one", "a")
    await workflow.do("new", "two", "new")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def inserts_an_inline_step(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "one", "a")
    await workflow.do("new", lambda: 1)
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def inserts_a_step_beside_others(*, workflow: Any) -> list[Any]:
    beside = asyncio.ensure_future(workflow.do("new", "two", "new"))
    a = await workflow.do("a", "one", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    d = await workflow.do("d", "one", "d")
    return [a, b, c, d, await beside]


async def changes_a_form(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", lambda: "inline")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def changes_a_form_back(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "one", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", "two", "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def changes_an_rpc(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "two", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "d")]


async def changes_the_rpc_of_an_unfinished_step(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "one", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "two", "d")]


async def changes_the_input_of_an_unfinished_step(*, workflow: Any) -> list[Any]:
    a = await workflow.do("a", "one", "a")
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    return [a, b, c, await workflow.do("d", "one", "other")]


async def ends_early(*, workflow: Any) -> list[Any]:
    return [await workflow.do("a", "one", "a")]


async def ends_at_once(*, workflow: Any) -> list[Any]:
    return []


async def fails_early(*, workflow: Any) -> list[Any]:
    await workflow.do("a", "one", "a")
    raise ValueError("this must not fail the run")


async def swaps_two_steps(*, workflow: Any) -> list[Any]:
    b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
    a = await workflow.do("a", "one", "a")
    return [a, b, c, await workflow.do("d", "one", "d")]


CHANGES = [
    (removes_a_step, "'a'"),
    (renames_a_step, "'renamed'"),
    (inserts_a_step, "'new'"),
    (inserts_an_inline_step, "'b', 'c'"),
    (inserts_a_step_beside_others, "'new'"),
    (changes_a_form, "'a'"),
    (changes_a_form_back, "'c'"),
    (changes_an_rpc, "'one', not 'two'"),
    (changes_the_rpc_of_an_unfinished_step, "'one', not 'two'"),
    (changes_the_input_of_an_unfinished_step, "'d'"),
    (ends_early, "'b', 'c'"),
    (ends_at_once, "'a'"),
    (fails_early, "'b', 'c'"),
    (swaps_two_steps, "'a'"),
]


@pytest.mark.parametrize(("change", "named"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
@async_test
async def test_changed_code_is_refused_by_name(holding_mode: Mode, change: Any, named: str) -> None:
    services = Services()
    async with holding_mode.engine(registry=code(original), services=services) as e:
        handle = await e.start("flow")
        services.gates.open("a", "b")
        await services.gates.entered_by("d")
        before = await e.steps(handle)
        services.gates.entered.clear()
        await e.restart(registry=code(change), code_hash="changed")
        run = await e.settle(handle)
        assert run.status is RunStatus.BLOCKED
        assert run.error is not None and run.error.code == "divergence"
        assert named in run.error.message
        after = await e.steps(handle)
        assert list(after) == list(before), "the refused code left a step behind"
        # With the code that it began with it goes on as if nothing had been.
        services.gates.open_all()
        await e.restart(registry=code(original), code_hash="mended")
        assert await e.result(handle) == ["one a", "one b", "c", "one d"]
        assert {name: step.attempts for name, step in (await e.steps(handle)).items()} == dict.fromkeys("abcd", 1)


@async_test
async def test_appended_code_is_no_change(holding_mode: Mode) -> None:
    async def longer(*, workflow: Any) -> list[Any]:
        return [*await original(workflow=workflow), await workflow.do("e", "two", "e")]

    services = Services()
    async with holding_mode.engine(registry=code(original), services=services) as e:
        handle = await e.start("flow")
        services.gates.open("a", "b")
        await e.idle()
        services.gates.open_all()
        await e.restart(registry=code(longer), code_hash="longer")
        assert await e.result(handle) == ["one a", "one b", "c", "one d", "two e"]


@async_test
async def test_the_recorded_result_of_a_finished_step_is_used_for_another_input(
    holding_mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    async def changed(*, workflow: Any) -> list[Any]:
        a = await workflow.do("a", "one", "changed")
        b, c = await asyncio.gather(workflow.do("b", "one", "b"), workflow.do("c", lambda: "c"))
        return [a, b, c, await workflow.do("d", "one", "d")]

    services = Services()
    async with holding_mode.engine(registry=code(original), services=services) as e:
        handle = await e.start("flow")
        services.gates.open("a", "b")
        await e.idle()
        services.gates.open_all()
        with caplog.at_level(logging.WARNING):
            await e.restart(registry=code(changed), code_hash="changed")
            assert await e.result(handle) == ["one a", "one b", "c", "one d"]
        assert "step.input_changed" in caplog.text


@async_test
async def test_changed_input_blocks_where_the_settings_say_so(holding_mode: Mode) -> None:
    async def changed(*, workflow: Any) -> list[Any]:
        return [await workflow.do("a", "one", "changed")]

    services = Services()
    async with holding_mode.engine(registry=code(original), services=services) as e:
        handle = await e.start("flow")
        services.gates.open("a")
        await e.idle()
        await e.restart(registry=code(changed), code_hash="changed", settings={"changed_input": "block"})
        run = await e.settle(handle)
        assert run.error is not None and run.error.code == "divergence"


@async_test
async def test_a_new_field_with_a_default_is_no_change(holding_mode: Mode) -> None:
    def version(number: int) -> Registry:
        if number == 1:

            class Order(BaseModel):
                item: str
                count: int

        else:

            class Order(BaseModel):  # type: ignore[no-redef]
                note: str = ""
                count: int
                item: str

        async def ship(order: Order, *, gates: Gates) -> str:
            await gates.wait(order.item)
            return order.item

        ship.__annotations__["order"] = Order

        async def flow(*, workflow: Any) -> str:
            return await workflow.do("ship", "ship", Order(item="x", count=1))

        with isolated_registry() as registry:
            wire_rpc("ship", ship)
            wire_workflow("flow", flow)
        return registry

    services = Services()
    async with holding_mode.engine(registry=version(1), services=services) as e:
        handle = await e.start("flow")
        await e.idle()
        services.gates.open("x")
        await e.restart(registry=version(2), code_hash="2")
        assert await e.result(handle) == "x"


@async_test
async def test_a_recorded_value_that_no_longer_fits_its_type_blocks_the_run(holding_mode: Mode) -> None:
    def version(result: Any) -> Registry:
        async def load(name: str) -> Any:
            return {"x": name}

        load.__annotations__["return"] = result

        async def flow(*, workflow: Any) -> int:
            try:
                await workflow.do("load", "load", "a")
            except BaseException:  # noqa: BLE001
                return 0
            await workflow.do("late", "one", "late")
            return 1

        with isolated_registry() as registry:
            wire_rpc("load", load)
            wire_rpc("one", one)
            wire_workflow("flow", flow)
        return registry

    services = Services()
    async with holding_mode.engine(registry=version(dict[str, str]), services=services) as e:
        handle = await e.start("flow")
        await e.idle()
        await e.restart(registry=version(dict[str, int]), code_hash="2")
        run = await e.settle(handle)
        assert run.status is RunStatus.BLOCKED
        assert run.error is not None and run.error.code == "stored_value"
        assert "'load'" in run.error.message


@async_test
async def test_a_recorded_input_that_no_longer_fits_blocks_the_run(holding_mode: Mode) -> None:
    def version(data: Any) -> Registry:
        async def flow(data: Any, *, workflow: Any) -> int:
            await workflow.do("a", "one", "a")
            return 1

        flow.__annotations__["data"] = data
        return code(flow)

    services = Services()
    async with holding_mode.engine(registry=version(str), services=services) as e:
        handle = await e.start("flow", "text")
        await e.idle()
        await e.restart(registry=version(int), code_hash="2")
        run = await e.settle(handle)
        assert run.error is not None and run.error.code == "stored_value"


@async_test
async def test_a_divergence_after_a_bare_invoke_names_it(holding_mode: Mode) -> None:
    answers = iter(["left", *["right"] * 9])

    async def side() -> str:
        return next(answers)

    async def flow(*, workflow: Any, rpc: Any) -> str:
        where = await rpc.invoke("side")
        await workflow.do(where, "one", "x")
        return where

    registry = code(flow)
    with isolated_registry() as more:
        wire_rpc("side", side)
    registry.rpcs.update(more.rpcs)
    services = Services()
    async with holding_mode.engine(registry=registry, services=services) as e:
        handle = await e.start("flow")
        await e.idle()
        services.gates.open_all()
        await e.restart()
        run = await e.settle(handle)
        if run.status is RunStatus.COMPLETED:
            pytest.fail("the run did not notice that its invoke had answered otherwise")
        assert run.error is not None and "rpc.invoke('side')" in run.error.message
