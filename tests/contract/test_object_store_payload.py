"""An object store keeps the contract of the payload port, on servers that speak S3."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_services.object_store import payload as object_store_payload
from typing_extensions import override

from pyflow_core.clock import SystemClock
from pyflow_core.errors import MissingExtraError, PayloadStoreUnavailableError, SettingsError, UnsafeStoreError
from pyflow_core.stores import make_payloads
from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract
from tests.fixtures.server import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.ports.payload import PayloadService

pytest_plugins = ["tests.fixtures.object_store"]


def make(url: str) -> PayloadService:
    return make_payloads(url, None, SystemClock())


class TestObjectStorePayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _bucket(self, bucket: str) -> None:
        self._url = bucket

    @override
    async def make_service(self) -> PayloadService:
        return make(self._url)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return make(self._url)

    @override
    async def make_unreachable(self) -> PayloadService:
        return make(f"s3://bucket/x?endpoint=http://127.0.0.1:{free_port()}")


@pytest.mark.slow
class TestSeaweedPayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _bucket(self, seaweed_bucket: str) -> None:
        self._url = seaweed_bucket

    @override
    async def make_service(self) -> PayloadService:
        return make(self._url)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return make(self._url)


def test_a_large_file_goes_in_parts_and_is_written_once(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store_payload, "MULTIPART_BYTES", 1000)
    monkeypatch.setattr(object_store_payload, "_PART_BYTES", 5 * 1024 * 1024)
    body = bytes(range(256)) * 24_000
    (tmp_path / "large").write_bytes(body)

    async def scenario() -> None:
        store = make(bucket)
        await store.open()
        assert await store.put_file(KEY, tmp_path / "large")
        assert not await store.put_file(KEY, tmp_path / "large")
        assert await store.get(KEY) == body
        await store.close()

    asyncio.run(scenario())


def test_a_server_without_conditional_writes_is_found_out(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers take `If-None-Match` and ignore it."""
    obstore = object_store_payload.require_obstore()
    put = obstore.put_async

    async def careless(store: Any, path: str, data: Any, *, mode: str, **options: Any) -> Any:
        return await put(store, path, data, mode="overwrite", **options)

    async def scenario() -> None:
        store = make(bucket)
        await store.open()
        monkeypatch.setattr(obstore, "put_async", careless)
        with pytest.raises(UnsafeStoreError, match="create-only"):
            await store.probe()
        assert [item async for item in store.objects("")] == []
        await store.close()

    asyncio.run(scenario())


def test_a_bucket_that_is_not_there_is_trouble(bucket: str) -> None:
    async def scenario() -> None:
        store = make(bucket.replace("pyflow-payloads", "no-such-bucket"))
        await store.open()
        with pytest.raises(PayloadStoreUnavailableError, match="no-such-bucket") as caught:
            await store.put(KEY, b"x")
        assert "\n" not in caught.value.message
        await store.close()

    asyncio.run(scenario())


def test_credentials_come_from_where_auth_ref_says(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"ARCHIVE_{name}", "archive")
        monkeypatch.delenv(f"AWS_{name}")

    async def scenario() -> None:
        store = make(f"{bucket}&region=us-east-1&auth_ref=ARCHIVE&name=archive")
        await store.open()
        assert (store.name, store.auth_ref) == ("archive", "ARCHIVE")
        assert await store.put(KEY, b"x")
        await store.close()

    asyncio.run(scenario())


def test_without_obstore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyflow-workflows\[s3\]'"):
        asyncio.run(make("s3://bucket").open())


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://key:hunter2@bucket/x",
        "s3://bucket?secret_access_key=hunter2",
        "s3://bucket?endpoint=ftp://x",
        "s3://bucket?endpoint=http://u:hunter2@x",
        "s3://bucket?auth_ref=hunter2=x",
        "gs://bucket?region=x",
        "az://container?surplus=1",
    ],
)
def test_a_wrong_url_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make(url)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("url", ["gs://bucket/prefix", "az://container/prefix?account=someone"])
def test_other_providers_have_their_urls(url: str) -> None:
    store = make(url)
    assert store.name == url[:2]
