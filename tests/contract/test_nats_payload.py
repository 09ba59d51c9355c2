"""NATS keeps the contract of the payload port, on a real server."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from pyflow_core.clock import SystemClock
from pyflow_core.errors import MissingExtraError, PayloadTooLargeError, SettingsError
from pyflow_core.payload.key import OUTPUT
from pyflow_core.payload.reference import NatsReference
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.stores import make_payloads
from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract
from tests.fixtures.server import free_port

if TYPE_CHECKING:
    from pyflow_core.ports.payload import PayloadService

pytest_plugins = ["tests.fixtures.nats_server"]


def make(url: str) -> PayloadService:
    return make_payloads(url, None, SystemClock())


class TestNatsPayload(PayloadServiceContract):
    large_bytes = 900_000

    @pytest.fixture(autouse=True)
    def _url(self, nats_url: str) -> None:
        self._server = nats_url

    @override
    async def make_service(self) -> PayloadService:
        return make(self._server)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return make(self._server)

    @override
    async def make_unreachable(self) -> PayloadService:
        return make(f"nats://127.0.0.1:{free_port()}/bucket")


def test_a_megabyte_is_too_much_and_one_byte_less_is_not(nats_url: str) -> None:
    async def scenario() -> None:
        store = make(nats_url)
        await store.open()
        writer = PayloadWriter(store)
        reference = await writer.write(b"x" * 999_999, Origin("w", "r", "s"), OUTPUT)
        assert isinstance(reference, NatsReference)
        assert reference.bucket == nats_url.rpartition("/")[2]
        with pytest.raises(PayloadTooLargeError, match="another store"):
            await writer.write(b"x" * 1_000_000, Origin("w", "r", "s"), OUTPUT)
        await store.close()

    asyncio.run(scenario())


def test_buckets_are_apart(nats_url: str) -> None:
    async def scenario() -> None:
        one, two = make(nats_url), make(f"{nats_url}-two")
        for store in (one, two):
            await store.open()
            assert await store.put(KEY, b"x")
        await one.delete([KEY])
        assert await two.get(KEY) == b"x"
        for store in (one, two):
            await store.close()

    asyncio.run(scenario())


def test_a_time_to_live_of_the_store_is_given_to_all(nats_url: str) -> None:
    async def scenario() -> None:
        store = make(f"{nats_url}?ttl=1h")
        await store.open()
        await store.put(KEY, b"x")
        stat = await store.stat(KEY)
        assert stat is not None
        assert stat.expires_at == pytest.approx(stat.modified_at + 3600, abs=2)
        await store.close()

    asyncio.run(scenario())


def test_without_nats_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyflow-workflows\[nats\]'"):
        asyncio.run(make("nats://localhost").open())


@pytest.mark.parametrize(
    "url", ["nats://", "nats://h/a.b", "nats://h/a/b", "nats://h/x?replicas=2", "nats://u:hunter2@h/x?y=1"]
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make(url)
    assert "hunter2" not in caught.value.message
