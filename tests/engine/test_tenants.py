"""Tenants that share the stores: each reads its own payloads only. A state that is shared is one operator's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import async_test
from pyflow_services.memory import MemoryPayloadService
from pyflow_services.memory.url import state_from_url

from pyflow_core import Payload, RunBlockedError, RunFailedError, wire_rpc, wire_workflow
from pyflow_core.clock import SystemClock
from pyflow_core.connection import Connection
from pyflow_core.errors import PayloadForbiddenError
from pyflow_core.project import Project

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from pyflow_core.client import Client
    from pyflow_core.wiring import Registry


def wire_pages(registry: Registry) -> None:
    @wire_rpc("pages.load")
    async def load(data: str) -> str:
        return data * 50_000

    @wire_rpc("pages.measure")
    async def measure(data: Payload[str]) -> int:
        return len(await data.load())

    @wire_workflow("make")
    async def make(data: str, *, workflow: Any) -> Payload[str]:
        return await workflow.do("load", "pages.load", data)

    @wire_workflow("measure")
    async def flow(data: Payload[str], *, workflow: Any) -> int:
        return await workflow.do("measure", "pages.measure", data)


@asynccontextmanager
async def two_tenants(registry: Registry, folder: Path) -> AsyncGenerator[tuple[Client, Client, MemoryPayloadService]]:
    """Two connections to the same stores; the first one executes the runs of both."""
    state, payloads = state_from_url("memory://", None, SystemClock()), MemoryPayloadService()
    await state.open()

    def connect(tenant: str, *, worker: bool) -> Connection:
        project = Project(name="t", package=f"t.{tenant}", root=folder)
        return Connection(project, state=state, payloads=payloads, registry=registry, tenant=tenant, worker=worker)

    async with connect("acme", worker=True) as acme, connect("umbra", worker=False) as umbra:
        yield acme, umbra, payloads


@async_test
async def test_payloads_lie_under_their_tenant(registry: Registry, tmp_path: Path) -> None:
    wire_pages(registry)
    async with two_tenants(registry, tmp_path) as (acme, umbra, payloads):
        for client, run_id in ((acme, "a"), (umbra, "u")):
            await (await client.start("make", "x", run_id=run_id)).result()
        keys = {tuple(item.key.split("/")[1:4]) async for item in payloads.objects("payloads/")}
        assert keys == {("acme", "make", "a"), ("umbra", "make", "u")}


@async_test
async def test_the_result_of_another_tenants_run_is_refused(registry: Registry, tmp_path: Path) -> None:
    wire_pages(registry)
    async with two_tenants(registry, tmp_path) as (acme, umbra, _):
        await (await acme.start("make", "x", run_id="a")).result()
        with pytest.raises(PayloadForbiddenError, match="belongs to tenant 'acme', and this connection to 'umbra'"):
            await umbra.result("make", "a")


@async_test
async def test_a_foreign_reference_is_refused_where_it_is_loaded(registry: Registry, tmp_path: Path) -> None:
    wire_pages(registry)
    async with two_tenants(registry, tmp_path) as (acme, umbra, _):
        foreign = await (await acme.start("make", "x")).result()
        assert await (await acme.start("measure", foreign)).result() == 50_000
        with pytest.raises((RunFailedError, RunBlockedError)) as ended:
            await (await umbra.start("measure", foreign)).result()
        assert "the reference is not of tenant 'umbra', and is not resolved" in str(ended.value)
        assert "xxx" not in str(ended.value)


@async_test
async def test_a_list_of_runs_is_that_of_the_state_and_tells_no_values(registry: Registry, tmp_path: Path) -> None:
    wire_pages(registry)
    async with two_tenants(registry, tmp_path) as (acme, umbra, _):
        await (await acme.start("make", "x", run_id="a")).result()
        (run,) = (await umbra.list_runs()).runs
        assert run.run_id == "a"
        assert not {"input", "output"} & set(dir(run))
