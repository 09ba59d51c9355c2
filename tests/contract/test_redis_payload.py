"""Redis keeps the contract of the payload port, on a real server."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from pyflow_services.memory import MemoryPayloadService
from pyflow_services.redis import RedisPayloadService
from typing_extensions import override

from pyflow_core import Payload
from pyflow_core.clock import SystemClock, uptime
from pyflow_core.errors import MissingExtraError, PayloadForbiddenError, PayloadStoreUnavailableError, SettingsError
from pyflow_core.payload.configuration import ConfigurationCache
from pyflow_core.payload.handle import payload_access
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.ports.state import DEFAULT_TENANT
from pyflow_core.stores import make_payloads
from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract
from tests.fixtures.server import free_port

if TYPE_CHECKING:
    from pyflow_core.ports.payload import PayloadService

pytest_plugins = ["tests.fixtures.valkey"]


def make(url: str) -> PayloadService:
    return make_payloads(url, None, SystemClock())


class TestRedisPayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _url(self, valkey_url: str) -> None:
        self._server = valkey_url

    @override
    async def make_service(self) -> PayloadService:
        return make(self._server)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return make(self._server)

    @override
    async def make_unreachable(self) -> PayloadService:
        return make(f"redis://127.0.0.1:{free_port()}/0")


def test_a_payload_is_gone_after_its_time(valkey_url: str) -> None:
    async def scenario() -> None:
        store = make(f"{valkey_url}?ttl=1h")
        await store.open()
        await store.put(KEY, b"x")
        stat = await store.stat(KEY)
        assert stat is not None
        assert stat.expires_at == pytest.approx(stat.modified_at + 3600, abs=5)
        await store.put("payloads/short", b"x", ttl_seconds=0.02)
        for _ in range(500):
            if await store.get("payloads/short") is None:
                break
        else:
            await asyncio.sleep(0.05)
        assert await store.get("payloads/short") is None
        await store.close()

    asyncio.run(scenario())


def test_prefixes_keep_projects_apart(valkey_url: str) -> None:
    async def scenario() -> None:
        one, two = make(f"{valkey_url}?prefix=one:"), make(f"{valkey_url}?prefix=two:")
        for store in (one, two):
            await store.open()
            assert await store.put(KEY, store.name.encode())
            assert [item.key async for item in store.objects("")] == [KEY]
        await one.delete([KEY])
        assert await two.get(KEY) is not None
        for store in (one, two):
            await store.close()

    asyncio.run(scenario())


def test_a_password_full_of_odd_characters_works_and_a_wrong_one_is_forbidden(guarded_valkey_url: str) -> None:
    async def scenario() -> None:
        store = make(guarded_valkey_url)
        await store.open()
        assert await store.put(KEY, b"x")
        await store.close()
        wrong = make(guarded_valkey_url.replace("guarded:", "guarded:hunter2"))
        with pytest.raises(PayloadForbiddenError) as caught:
            await wrong.open()
        assert "hunter2" not in caught.value.message
        await wrong.close()

    asyncio.run(scenario())


def test_a_store_that_is_not_open_says_so() -> None:
    with pytest.raises(PayloadStoreUnavailableError, match="not open"):
        asyncio.run(make("redis://localhost").get(KEY))


def test_without_redis_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyflow-workflows\[redis\]'"):
        asyncio.run(RedisPayloadService("redis://localhost").open())


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://h/x",
        "redis://h?ttl=soon",
        "redis://h?ttl=0",
        "redis://h?prefix=*",
        "redis://u:hunter2@h?x=1",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make(url)
    assert "hunter2" not in caught.value.message


def test_it_is_a_cache_in_front_of_configurations(valkey_url: str) -> None:
    async def scenario() -> None:
        durable, held = MemoryPayloadService(), make(f"{valkey_url}?ttl=1h")
        await held.open()

        def process() -> DataPlanes:
            return DataPlanes(durable, configurations=ConfigurationCache(make(f"{valkey_url}?ttl=1h"), uptime=uptime))

        planes = process()
        with payload_access(planes.access(DEFAULT_TENANT)):
            handle = await Payload.save({"rate": 19})
        await planes.close()
        stat = await held.stat(handle.reference.key)
        assert stat is not None
        assert stat.expires_at == pytest.approx(stat.modified_at + 3600, abs=5)

        await durable.delete([handle.reference.key])
        other = process()
        with payload_access(other.access(DEFAULT_TENANT)):
            assert await handle.load() == {"rate": 19}
        await other.close()
        await held.close()

    asyncio.run(scenario())
