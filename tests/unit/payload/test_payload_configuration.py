"""Configurations by id: durable, cached, and never lost by expiry."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pyflow_services.memory import MemoryPayloadService

from pyflow_core.errors import (
    PayloadCorruptError,
    PayloadMissingError,
    PayloadStoreUnavailableError,
    StoredValueError,
)
from pyflow_core.payload.configuration import ConfigurationStore
from pyflow_core.payload.key import config_key
from pyflow_core.testing.contracts.scenario import ManualClock

CONFIG: Any = {"steps": [{"name": "a", "options": {"x": 1}}], "big": "x" * 1000}


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.durable = MemoryPayloadService("durable", clock=self.clock)
        self.cache = MemoryPayloadService("cache", clock=self.clock)
        self.store = ConfigurationStore(self.durable, cache=self.cache, tenant="acme", ttl_seconds=100)

    def counted(self, monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
        calls: list[str] = []
        original = getattr(self.durable, name)

        async def count(key: str, *given: Any, **named: Any) -> Any:
            calls.append(key)
            return await original(key, *given, **named)

        monkeypatch.setattr(self.durable, name, count)
        return calls


def test_equal_configurations_have_one_id_and_lie_under_their_tenant() -> None:
    async def scenario() -> None:
        bench = Bench()
        first = await bench.store.save(CONFIG)
        second = await bench.store.save(dict(reversed(CONFIG.items())))
        assert first == second
        assert [item.key async for item in bench.durable.objects("")] == [config_key("acme", first)]
        assert await bench.store.load(first) == CONFIG

    asyncio.run(scenario())


def test_reading_renews_the_cache_and_expiry_costs_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench()
        config_id = await bench.store.save(CONFIG)
        reads = bench.counted(monkeypatch, "get")
        for _ in range(5):
            bench.clock.advance(90)
            assert await bench.store.load(config_id) == CONFIG
        assert reads == []
        bench.clock.advance(101)
        assert await bench.store.load(config_id) == CONFIG
        assert len(reads) == 1
        assert await bench.store.load(config_id) == CONFIG
        assert len(reads) == 1

    asyncio.run(scenario())


def test_a_heartbeat_keeps_what_live_runs_use(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench()
        config_id = await bench.store.save(CONFIG)
        for _ in range(5):
            bench.clock.advance(90)
            await bench.store.renew([config_id])
        reads = bench.counted(monkeypatch, "get")
        assert await bench.store.load(config_id) == CONFIG
        assert reads == []
        bench.clock.advance(500)
        await bench.store.renew([config_id])
        assert await bench.cache.get(config_key("acme", config_id)) is not None

    asyncio.run(scenario())


def test_a_cache_that_lies_or_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench()
        config_id = await bench.store.save(CONFIG)
        key = config_key("acme", config_id)
        await bench.cache.delete([key])
        await bench.cache.put(key, b'{"forged":true}', ttl_seconds=50)
        assert await bench.store.load(config_id) == CONFIG

        async def fail(*given: Any, **named: Any) -> Any:
            raise PayloadStoreUnavailableError

        for name in ("get", "put", "extend"):
            monkeypatch.setattr(bench.cache, name, fail)
        assert await bench.store.load(config_id) == CONFIG
        assert await bench.store.save(CONFIG) == config_id
        await bench.store.renew([config_id])

    asyncio.run(scenario())


def test_what_is_missing_or_damaged_has_its_own_error() -> None:
    async def scenario() -> None:
        bench = Bench()
        with pytest.raises(PayloadMissingError):
            await bench.store.load("ab" * 32)
        config_id = await bench.store.save(CONFIG)
        for service in (bench.durable, bench.cache):
            await service.delete([config_key("acme", config_id)])
        await bench.durable.put(config_key("acme", config_id), b"{}")
        with pytest.raises(PayloadCorruptError) as caught:
            await bench.store.load(config_id)
        assert config_id in caught.value.message
        for wrong in ("", "../x", "AB" * 32, "ab" * 33):
            with pytest.raises(StoredValueError):
                await bench.store.load(wrong)

    asyncio.run(scenario())
