"""Configurations in runs: saved once, given to many by reference, and kept as long as a run needs them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Mode, async_test, replay
from pydantic import BaseModel
from pyflow_services.memory import MemoryPayloadService, MemoryStateService

from pyflow_core import Payload, RunBlockedError, wire_rpc, wire_workflow
from pyflow_core.connection import Connection
from pyflow_core.engine.renewal import FIRST_SECONDS, Renewal
from pyflow_core.errors import ForbiddenInWorkflowError, PayloadCollectedError, PayloadStoreUnavailableError
from pyflow_core.log import RENEWAL_FAILED
from pyflow_core.payload.boundary import referenced_keys
from pyflow_core.payload.key import is_config_key
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.project import Project
from pyflow_core.testing.clock import VirtualClock

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.wiring import Registry

TTL = 3600.0


class Rules(BaseModel):
    words: list[str]


class Order(BaseModel):
    number: int
    rules: Payload[Rules]


RULES = Rules(words=["word"] * 4_000)


def wire_orders(registry: Registry) -> None:
    @wire_rpc("orders.check")
    async def check(data: Order) -> int:
        return data.number * len((await data.rules.load()).words)

    @wire_workflow("order")
    async def order(data: Order, *, workflow: Any) -> int:
        first: int = await workflow.do("check", "orders.check", data)
        second: int = await workflow.do("again", "orders.check", Order(number=1, rules=data.rules))
        return first + second

    @wire_workflow("whole")
    async def whole(data: Payload[Rules], *, workflow: Any) -> int:
        async def count() -> int:
            return len((await data.load()).words)

        counted: int = await workflow.do("count", count)
        return counted

    @wire_workflow("saver")
    async def saver(*, workflow: Any) -> None:
        await Payload.save(RULES)


@async_test
async def test_runs_are_given_a_configuration_by_reference_and_steps_load_it(registry: Registry, mode: Mode) -> None:
    wire_orders(registry)
    payloads = MemoryPayloadService()
    async with mode.engine(registry=registry, payloads=payloads) as e:
        rules = await Payload.save(RULES)
        for number in range(3):
            run_id = f"run-{number}"
            assert await e.run("order", Order(number=number, rules=rules), run_id=run_id) == (number + 1) * 4_000
            await replay(e, run_id)
        assert await e.run("whole", rules) == 4_000
        configurations = [item.key async for item in payloads.objects("configs/")]
        assert configurations == [rules.reference.key]
        for run in (await e.client.list_runs()).runs:
            assert rules.reference.key in referenced_keys((await e.client.get_run(run.run_id)).input)
        assert sum([item.size async for item in payloads.objects("payloads/")]) < rules.reference.bytes


@async_test
async def test_workflow_code_saves_nothing(registry: Registry, mode: Mode) -> None:
    wire_orders(registry)
    async with mode.engine(registry=registry) as e:
        with pytest.raises(RunBlockedError) as blocked:
            await e.run("saver")
        assert blocked.value.error.code == ForbiddenInWorkflowError.code
        assert "save it in a step" in blocked.value.error.message


@async_test
async def test_a_run_cannot_be_started_with_what_is_being_deleted(registry: Registry, some_mode: Mode) -> None:
    wire_orders(registry)
    async with some_mode.engine(registry=registry) as e:
        rules = await Payload.save(RULES)
        assert await e.state.ledger.bar([rules.reference.key])
        for workflow, data in (("order", Order(number=1, rules=rules)), ("whole", rules)):
            with pytest.raises(PayloadCollectedError, match="anew"):
                await e.start(workflow, data)
        assert not (await e.client.list_runs()).runs


@async_test
async def test_workers_extend_what_live_runs_refer_to_in_stores_that_let_go(
    registry: Registry, some_mode: Mode
) -> None:
    wire_orders(registry)
    gate = asyncio.Event()

    @wire_workflow("slow")
    async def slow(data: Order, *, workflow: Any) -> int:
        await workflow.do("wait", gate.wait)
        checked: int = await workflow.do("check", "orders.check", data)
        return checked

    payloads = MemoryPayloadService(ttl_seconds=TTL)
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        payloads._clock = e.clock.time
        rules, ended = await Payload.save(RULES), await Payload.save(Rules(words=["other"]))
        await e.run("order", Order(number=1, rules=ended))
        run = await e.start("slow", Order(number=2, rules=rules))
        renewal = Renewal(e.state, DataPlanes(payloads), e.clock)
        for _ in range(3):
            e.clock.advance(TTL - 1)
            await renewal.renew()
        left = {item.key async for item in payloads.objects("")}
        record = await e.client.get_run(run.run_id)
        assert left == {rules.reference.key, *referenced_keys(record.input)}
        gate.set()
        assert await run.result() == 8_000


@async_test
async def test_a_worker_renews_by_itself_and_outlives_a_store_that_breaks(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wire_orders(registry)
    clock = VirtualClock()
    renewed: list[str] = []

    class Cache(MemoryPayloadService):
        fails = 2

        async def extend(self, key: str, ttl_seconds: float) -> bool:
            renewed.append(key)
            return await super().extend(key, ttl_seconds)

    class Durable(MemoryPayloadService):
        breaks = 2

        async def extend(self, key: str, ttl_seconds: float) -> bool:
            self.breaks -= 1
            if self.breaks >= 0:
                raise PayloadStoreUnavailableError
            return await super().extend(key, ttl_seconds)

    gate = asyncio.Event()

    @wire_workflow("slow")
    async def slow(data: Payload[Rules], *, workflow: Any) -> int:
        await workflow.do("wait", gate.wait)
        return 1

    connection = Connection(
        Project(name="t", package="t", root=tmp_path),
        state=MemoryStateService(),
        payloads=Durable(clock=clock.time, ttl_seconds=TTL),
        config_cache=Cache(clock=clock.time, ttl_seconds=TTL),
        worker=True,
        clock=clock,
        registry=registry,
    )
    async with connection as client:
        rules = await Payload.save(RULES)
        run = await client.start("slow", rules)
        while len(renewed) < 3:
            clock.advance(FIRST_SECONDS)
            await asyncio.sleep(0)
        gate.set()
        await run.result()
    assert set(renewed) == {rules.reference.key}
    assert is_config_key(renewed[0])
    assert sum(RENEWAL_FAILED in line for line in caplog.messages) == 2


@async_test
async def test_a_worker_without_a_payload_store_of_its_own_renews_nothing(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An installed package has no folder for the default store, and may need none."""
    wire_orders(registry)
    clock = VirtualClock()
    project = Project(name="t", package="t", root=tmp_path)
    async with Connection(project, state=MemoryStateService(), worker=True, clock=clock, registry=registry):
        for _ in range(5):
            await asyncio.sleep(0)
            clock.advance(2 * FIRST_SECONDS)
            await asyncio.sleep(0)
    assert not any(RENEWAL_FAILED in line for line in caplog.messages)
