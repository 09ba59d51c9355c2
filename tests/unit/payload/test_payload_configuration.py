"""Configurations: saved once, shared by runs, cached, and never lost by the cache's expiry."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_services.files import FilesPayloadService
from pyflow_services.memory import MemoryPayloadService

from pyflow_core import Payload
from pyflow_core.errors import (
    PayloadContractError,
    PayloadCorruptError,
    PayloadForbiddenError,
    PayloadMissingError,
    PayloadStoreUnavailableError,
    SettingsError,
    UnserialisableValueError,
)
from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.configuration import PERIOD_SECONDS, ConfigurationCache
from pyflow_core.payload.handle import payload_access
from pyflow_core.payload.key import config_key, config_prefix, is_config_key
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.payload.reference import ObjectReference, write_reference
from pyflow_core.testing.contracts.scenario import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.payload.reference import Reference

TENANT = "acme"


@dataclass(frozen=True)
class Rates:
    country: str
    percent: list[float]


class Opaque:
    pass


RATES = Rates("EU", [7.0, 19.0] * 500)


class Bench:
    """A durable store with a cache in front of it; each plane is that of another process."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.clock.advance(PERIOD_SECONDS / 2)
        self.durable = MemoryPayloadService("durable", clock=self.clock)
        self.held = MemoryPayloadService("held", clock=self.clock, ttl_seconds=100)

    def process(self) -> DataPlanes:
        cache = ConfigurationCache(self.held, uptime=self.clock)
        return DataPlanes(self.durable, configurations=cache, now=self.clock)

    async def save(self, value: Any = RATES, as_type: Any = None) -> Payload[Any]:
        with payload_access(self.process().access(TENANT)):
            return await Payload.save(value, as_type)

    async def load(self, handle: Payload[Any]) -> Any:
        with payload_access(self.process().access(TENANT)):
            return await handle.load()

    async def keys(self) -> list[str]:
        return [item.key async for item in self.durable.objects("")]

    def count(self, monkeypatch: pytest.MonkeyPatch, service: MemoryPayloadService, name: str) -> list[str]:
        calls: list[str] = []
        original = getattr(service, name)

        async def counted(key: str, *given: Any, **named: Any) -> Any:
            calls.append(key)
            return await original(key, *given, **named)

        monkeypatch.setattr(service, name, counted)
        return calls


def test_equal_configurations_are_kept_once_under_their_tenant_and_name_no_run() -> None:
    async def scenario() -> None:
        bench = Bench()
        first, second = await bench.save(), await bench.save(Rates("EU", [7.0, 19.0] * 500))
        assert first == second
        assert await bench.keys() == [first.reference.key]
        assert first.reference.key.startswith(config_prefix(TENANT))
        assert is_config_key(first.reference.key)
        assert (first.reference.producer, first.reference.scope) == (None, "permanent")
        assert read_reference(write_reference(first.reference)) == first.reference
        assert await bench.load(first) == RATES

    asyncio.run(scenario())


def test_what_is_saved_in_a_later_period_is_another_object() -> None:
    async def scenario() -> None:
        bench = Bench()
        first = await bench.save()
        bench.clock.advance(PERIOD_SECONDS)
        second = await bench.save()
        assert first.reference.key != second.reference.key
        assert await bench.load(first) == await bench.load(second) == RATES

    asyncio.run(scenario())


def test_a_damaged_object_is_passed_over_and_never_committed() -> None:
    async def scenario() -> None:
        bench = Bench()
        key = (await bench.save()).reference.key
        await bench.durable.delete([key])
        await bench.durable.put(key, b"[]")
        saved = await bench.save()
        assert saved.reference.key == key.replace(".json", "-1.json")
        assert is_config_key(saved.reference.key)
        assert await bench.load(saved) == RATES

    asyncio.run(scenario())


def test_reading_renews_the_cache_and_expiry_costs_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench()
        handle = await bench.save()
        reads = bench.count(monkeypatch, bench.durable, "get")
        for _ in range(5):
            bench.clock.advance(90)
            assert await bench.load(handle) == RATES
        assert reads == []
        bench.clock.advance(101)
        assert await bench.load(handle) == RATES
        assert len(reads) == 1
        assert await bench.load(handle) == RATES
        assert len(reads) == 1

    asyncio.run(scenario())


def test_a_cache_that_lies_is_not_believed_and_is_set_right() -> None:
    async def scenario() -> None:
        bench = Bench()
        handle = await bench.save()
        key = handle.reference.key
        for lie in (b'{"country":"forged"}', b"x" * handle.reference.bytes, b"x" * (handle.reference.bytes + 9)):
            await bench.held.delete([key])
            await bench.held.put(key, lie)
            assert await bench.load(handle) == RATES
            assert await bench.held.get(key) == await bench.durable.get(key)

    asyncio.run(scenario())


def test_a_cache_that_is_away_changes_nothing_and_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench()

        async def fail(*given: Any, **named: Any) -> Any:
            raise PayloadStoreUnavailableError

        monkeypatch.setattr(bench.held, "open", fail)
        planes = bench.process()
        with payload_access(planes.access(TENANT)):
            handle = await Payload.save(RATES)
            assert await handle.load() == RATES
            monkeypatch.undo()
            tries = bench.count(monkeypatch, bench.held, "put")
            await planes.extend_configurations({handle.reference.key})
            assert await Payload.save(RATES) == handle
            assert tries == []
            bench.clock.advance(31)
            assert await Payload.save(RATES) == handle
            assert tries == [handle.reference.key]

    asyncio.run(scenario())


def test_workers_keep_what_live_runs_use_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench()
        handle = await bench.save()
        for _ in range(5):
            bench.clock.advance(90)
            await bench.process().extend_configurations({handle.reference.key})
        reads = bench.count(monkeypatch, bench.durable, "get")
        assert await bench.load(handle) == RATES
        assert reads == []

    asyncio.run(scenario())


def test_what_is_missing_damaged_or_of_another_tenant_has_its_own_error() -> None:
    async def scenario() -> None:
        bench = Bench()
        handle = await bench.save()
        key = handle.reference.key
        with payload_access(bench.process().access("rival")), pytest.raises(PayloadForbiddenError):
            await handle.load()
        for service in (bench.durable, bench.held):
            await service.delete([key])
        with pytest.raises(PayloadMissingError) as missing:
            await bench.load(handle)
        assert key in str(missing.value)
        await bench.durable.put(key, b"{}")
        with pytest.raises(PayloadCorruptError):
            await bench.load(handle)

    asyncio.run(scenario())


def test_only_json_without_handles_is_saved() -> None:
    async def scenario() -> None:
        bench = Bench()
        handle = await bench.save([RATES], list[Rates])
        assert await bench.load(handle) == [RATES]
        for value, as_type in ((b"bytes", None), ([handle], list[Payload[Rates]])):
            with pytest.raises(UnserialisableValueError, match="a configuration is JSON"):
                await bench.save(value, as_type)
        with pytest.raises(UnserialisableValueError, match="Opaque"):
            await bench.save(Opaque())
        assert len(await bench.keys()) == 1

    asyncio.run(scenario())


def test_nothing_is_saved_without_a_connection() -> None:
    with pytest.raises(PayloadForbiddenError, match="open connection"):
        asyncio.run(Payload.save(RATES))


def test_a_cache_must_let_go_by_itself(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="redis://"):
        ConfigurationCache(FilesPayloadService(tmp_path), uptime=lambda: 0.0)


def test_a_reference_without_a_producer_is_to_a_configuration() -> None:
    def reference(key: str) -> Reference:
        return ObjectReference(bytes=2, sha256="a" * 64, tenant=TENANT, store="files", key=key)

    read_reference(write_reference(reference(config_key(TENANT, "a" * 64, 7))))
    for key in ("payloads/acme/flow/run/step/output.aaaa.json", "configs/acme/x.json", "other"):
        with pytest.raises(PayloadContractError, match="names the run"):
            read_reference(write_reference(reference(key)))
