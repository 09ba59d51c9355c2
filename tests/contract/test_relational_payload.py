"""A table of a SQLite file keeps the contract of the payload port, beside a state or alone."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest
from pyflow_services.relational import RelationalPayloadService
from pyflow_services.sqlite import SqliteStateService
from typing_extensions import override

from pyflow_core.clock import SystemClock
from pyflow_core.errors import PayloadStoreUnavailableError, SettingsError, StoreFormatError
from pyflow_core.stores import make_payloads
from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.ports.payload import PayloadService


class TestRelationalPayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._path = tmp_path / "flow.db"

    @override
    async def make_service(self) -> PayloadService:
        return RelationalPayloadService(self._path, synchronous="normal")

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return RelationalPayloadService(self._path, synchronous="normal")

    @override
    async def make_unreachable(self) -> PayloadService:
        file = self._path.parent / "file"
        file.write_text("no folder")
        return RelationalPayloadService(file / "flow.db")


@pytest.mark.parametrize("payloads_first", [True, False])
def test_one_file_holds_state_and_payloads(tmp_path: Path, payloads_first: bool) -> None:
    async def scenario() -> None:
        path = tmp_path / "flow.db"
        services = [RelationalPayloadService(path), SqliteStateService(path)]
        for service in services if payloads_first else services[::-1]:
            await service.open()
        payloads = services[0]
        assert isinstance(payloads, RelationalPayloadService)
        assert await payloads.put(KEY, b"x")
        for service in services:
            await service.close()
        again = SqliteStateService(path)
        await again.open()
        await again.close()

    asyncio.run(scenario())


def test_somebody_else_s_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path, text = tmp_path / "other.db", tmp_path / "text.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    text.write_text("no database at all, but long enough to look at it")
    for file in (path, text):
        before = file.read_bytes()
        with pytest.raises(StoreFormatError):
            asyncio.run(RelationalPayloadService(file).open())
        assert file.read_bytes() == before


def test_a_locked_file_is_trouble_and_no_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyflow_services.relational.table.BUSY_SECONDS", 0.05)

    async def scenario() -> None:
        store = RelationalPayloadService(tmp_path / "flow.db")
        await store.open()
        holder = sqlite3.connect(tmp_path / "flow.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(PayloadStoreUnavailableError, match="locked"):
            await store.put(KEY, b"x")
        holder.close()
        assert await store.put(KEY, b"x")
        await store.close()
        with pytest.raises(PayloadStoreUnavailableError):
            await store.get(KEY)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///", "names no file"),
        ("sqlite:////x.db?synchronous=off", "full or normal"),
        ("sqlite:///x.db", "set PYFLOW_PAYLOADS"),
    ],
)
def test_a_wrong_url_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make_payloads(url, None, SystemClock())
