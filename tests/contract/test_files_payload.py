"""Local files keep the contract of the payload port, on file systems of every kind."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import IO, TYPE_CHECKING, Any

import pytest
from pyflow_services.files import FilesPayloadService
from pyflow_services.files.folder import TEMPORARY
from typing_extensions import override

from pyflow_core.clock import SystemClock
from pyflow_core.errors import PayloadForbiddenError, PayloadStoreUnavailableError, SettingsError
from pyflow_core.stores import make_payloads
from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.ports.payload import PayloadService


class TestFilesPayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._root = tmp_path / "payloads"

    @override
    async def make_service(self) -> PayloadService:
        return FilesPayloadService(self._root, sync=False)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return FilesPayloadService(self._root, sync=False)

    @override
    async def make_unreachable(self) -> PayloadService:
        file = self._root.parent / "file"
        file.write_text("no folder")
        return FilesPayloadService(file / "below")


def opened(root: Path) -> FilesPayloadService:
    store = FilesPayloadService(root)
    asyncio.run(store.open())
    return store


def fails(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    def fail(*given: Any, **named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, fail)


@pytest.mark.parametrize(
    ("call", "number", "said"),
    [
        ("fsync", errno.ENOSPC, "disk is full"),
        ("fsync", errno.EIO, "Input/output error"),
        ("link", errno.EPERM, "hard links"),
        ("link", errno.EROFS, "read-only"),
    ],
)
def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, said: str
) -> None:
    store = opened(tmp_path / "payloads")
    fails(monkeypatch, call, number)
    with pytest.raises(PayloadStoreUnavailableError, match=said):
        asyncio.run(store.put(KEY, b"x"))
    monkeypatch.undo()
    assert asyncio.run(store.get(KEY)) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert asyncio.run(store.put(KEY, b"x"))


def test_a_disk_that_fills_up_while_writing_tears_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(tmp_path / "payloads")

    def half(file: IO[bytes]) -> None:
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        store._folder.create(KEY, half)
    assert asyncio.run(store.get(KEY)) is None
    assert list((tmp_path / "payloads" / TEMPORARY).iterdir()) == []


def test_the_file_is_synced_before_it_has_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path / "payloads")
    told: list[str] = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor: int) -> None:
        told.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        fsync(descriptor)

    def noted_link(source: str, target: str) -> None:
        told.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    asyncio.run(store.put(KEY, b"x"))
    folders = ["folder"] * (KEY.count("/") + 1)  # from the payload's own up to the store's
    assert told == ["folder"] * len(tmp_path.parents) + ["folder", "file", "link", *folders]
    told.clear()
    assert not asyncio.run(store.put(KEY, b"x"))
    assert told == folders, "the other writer may have died before it synced the name"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_says_so(tmp_path: Path) -> None:
    root = tmp_path / "payloads"
    root.mkdir(mode=0o500)
    with pytest.raises(PayloadStoreUnavailableError, match="permission"):
        asyncio.run(FilesPayloadService(root).put(KEY, b"x"))


def test_a_symbolic_link_leads_nowhere(tmp_path: Path) -> None:
    store, outside = opened(tmp_path / "payloads"), tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (tmp_path / "payloads").mkdir()
    (tmp_path / "payloads" / "payloads").symlink_to(outside)
    for call in (store.put("payloads/new", b"x"), store.get("payloads/secret"), store.delete(["payloads/secret"])):
        with pytest.raises(PayloadForbiddenError, match="symbolic link"):
            asyncio.run(call)
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]

    async def listed() -> list[str]:
        return [item.key async for item in store.objects("")]

    assert asyncio.run(listed()) == []


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    store = opened(tmp_path / "payloads")
    (tmp_path / "secret").write_text("secret")
    path = tmp_path / "payloads" / "payloads" / "x"
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(PayloadStoreUnavailableError, match="symbolic link"):
        asyncio.run(store.get("payloads/x"))
    assert asyncio.run(store.stat("payloads/x")) is None
    assert not asyncio.run(store.put("payloads/x", b"x"))
    assert (tmp_path / "secret").read_text() == "secret"


def test_folders_that_are_empty_go_and_come_back_under_a_writer(tmp_path: Path) -> None:
    store = opened(tmp_path / "payloads")

    async def scenario() -> None:
        async def write(number: int) -> None:
            key = f"payloads/a/b/c/{number}"
            assert await store.put(key, b"x")
            await store.delete([key])

        await asyncio.gather(*(write(number) for number in range(50)))

    asyncio.run(scenario())
    assert [path.name for path in (tmp_path / "payloads").iterdir()] == [TEMPORARY]


def test_what_dead_writers_left_goes_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "payloads" / TEMPORARY
    folder.mkdir(parents=True)
    (folder / "old").write_text("x")
    (folder / "new").write_text("x")
    os.utime(folder / "old", (1, 1))
    opened(tmp_path / "payloads")
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_url_says_where(tmp_path: Path) -> None:
    store = make_payloads("file:///.pyflow/payloads", tmp_path, SystemClock())
    assert isinstance(store, FilesPayloadService)
    assert (store.name, store._folder.root) == ("file", tmp_path / ".pyflow" / "payloads")
    named = make_payloads(f"file:///{tmp_path}/x?name=archive&sync=no", None, SystemClock())
    assert isinstance(named, FilesPayloadService)
    assert (named.name, named._folder.root) == ("archive", tmp_path / "x")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///", "it names no folder"),
        ("file://host/path", "it names no folder"),
        ("file:///relative", "set PYFLOW_PAYLOADS"),
        ("file:////x?snyc=no", "did you mean"),
        ("file:////x?sync=maybe", "yes or no"),
        ("file:////x?name=a/b", "name must be"),
        ("fil:///x", "no service is known"),
    ],
)
def test_a_wrong_url_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make_payloads(url, None, SystemClock())
