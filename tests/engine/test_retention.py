"""Workers purge runs past their retention, beside their work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Mode, async_test
from pyflow_services.memory import MemoryPayloadService

from pyflow_core import wire_workflow
from pyflow_core.connection import Connection
from pyflow_core.engine.retention import PERIOD_SECONDS, Retention
from pyflow_core.errors import PayloadStoreUnavailableError, SettingsError, UnknownRunError
from pyflow_core.log import PURGE_FAILED
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.project import Project
from pyflow_core.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyflow_core.client import Client
    from pyflow_core.wiring import Registry

DAY = 24 * 3600.0


class Stuck(MemoryPayloadService):
    """Deletes nothing of the runs that a test names."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = ""

    async def delete(self, keys: Sequence[str]) -> None:
        if self.stuck and any(self.stuck in key for key in keys):
            raise PayloadStoreUnavailableError("the store is away")
        await super().delete(keys)


def wire_keep(registry: Registry) -> None:
    @wire_workflow("keep")
    async def keep(*, workflow: Any) -> None:
        await workflow.do("make", lambda: "x" * 50_000)


async def keys(payloads: MemoryPayloadService) -> set[str]:
    return {item.key.split("/")[3] async for item in payloads.objects("payloads/")}


@async_test
async def test_runs_past_retention_are_purged_and_a_stuck_one_is_recorded(
    registry: Registry, some_mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    wire_keep(registry)
    payloads = Stuck()
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        for run_id in ("old", "stuck"):
            await e.run("keep", run_id=run_id)
        e.clock.advance(DAY)
        await e.run("keep", run_id="new")
        retention = Retention(e.state, DataPlanes(payloads), e.clock, DAY / 2)
        payloads.stuck = "/stuck/"
        assert await retention.purge() == ["old"]
        assert await keys(payloads) == {"stuck", "new"}
        assert [PURGE_FAILED in line and "run stuck" in line for line in caplog.messages] == [True, True]
        with pytest.raises(UnknownRunError):
            await e.client.get_run("old")
        payloads.stuck = ""
        assert await retention.purge() == ["stuck"]
        assert await keys(payloads) == {"new"}


async def _until_gone(client: Client, clock: VirtualClock, run_id: str) -> None:
    while await client.state.get_run(run_id) is not None:
        clock.advance(PERIOD_SECONDS)
        await asyncio.sleep(0)


@async_test
async def test_a_worker_purges_by_itself_and_outlives_a_store_that_breaks(registry: Registry, tmp_path: Path) -> None:
    wire_keep(registry)

    class Broken(MemoryPayloadService):
        breaks = 0

        async def delete(self, keys: Sequence[str]) -> None:
            if self.breaks:
                self.breaks -= 1
                raise ZeroDivisionError
            await super().delete(keys)

    clock, payloads = VirtualClock(), Broken()
    connection = Connection(
        Project(name="t", package="t", root=tmp_path),
        state="memory://",
        payloads=payloads,
        registry=registry,
        clock=clock,
        worker=True,
        retention="1s",
    )
    async with connection as client:
        worker = client.worker
        assert worker is not None
        # Time that the test lets pass is no reason for a lease to expire.
        clock.on_advance.append(lambda: client.state.renew(worker.worker_id))
        await (await client.start("keep", run_id="r")).result()
        payloads.breaks = 2
        await _until_gone(client, clock, "r")
        assert (await keys(payloads), payloads.breaks) == (set(), 0)
        await (await client.start("keep", run_id="again")).result()


@async_test
async def test_a_retention_of_nothing_is_refused(registry: Registry, tmp_path: Path) -> None:
    connection = Connection(
        Project(name="t", package="t", root=tmp_path), state="memory://", registry=registry, worker=True, retention=0
    )
    with pytest.raises(SettingsError, match="retention"):
        async with connection:
            pass
