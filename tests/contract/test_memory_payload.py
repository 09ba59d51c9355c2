"""The memory store keeps the contract of the payload port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_services.memory import MemoryPayloadService

from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract
from pyflow_core.testing.contracts.scenario import ManualClock

if TYPE_CHECKING:
    from pyflow_core.ports.payload import PayloadService


class TestMemoryPayload(PayloadServiceContract):
    async def make_service(self) -> PayloadService:
        return MemoryPayloadService()


def test_a_time_to_live_ends() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        store = MemoryPayloadService(clock=clock)
        await store.put(KEY, b"x", ttl_seconds=60)
        clock.advance(59)
        assert await store.extend(KEY, 60)
        clock.advance(59)
        assert await store.get(KEY) == b"x"
        clock.advance(1)
        assert await store.get(KEY) is None
        assert [item async for item in store.objects("")] == []
        assert await store.put(KEY, b"y")

    asyncio.run(scenario())
