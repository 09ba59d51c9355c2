from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pyflow_services.sqlite import SqliteStateService, failure, schema

if TYPE_CHECKING:
    from pathlib import Path
from sqlite_bench import asynchronous, new_run, opened

from pyflow_core.errors import StoreError, StoreFormatError, StoreFullError, StoreUnavailableError, StoreVersionError


async def refusal(path: Path) -> StoreError:
    service = SqliteStateService(path)
    with pytest.raises(StoreError) as caught:
        await service.open()
    await service.close()
    assert str(path) in caught.value.message
    return caught.value


@asynchronous
async def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    async with opened(tmp_path / "not" / "there" / "flow.db") as service:
        assert (await service.create_run(new_run("a"))).created


@asynchronous
async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    before = path.read_bytes()
    assert isinstance(await refusal(path), StoreFormatError)
    assert path.read_bytes() == before


@asynchronous
async def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE recipes (name TEXT)")
    theirs.commit()
    theirs.close()
    before = path.read_bytes()
    assert isinstance(await refusal(path), StoreFormatError)
    assert path.read_bytes() == before


@asynchronous
async def test_a_database_with_the_mark_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("PRAGMA application_id = 42")
    theirs.close()
    assert isinstance(await refusal(path), StoreFormatError)


@asynchronous
async def test_a_store_of_a_newer_pyflow_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    async with opened(path):
        pass
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {len(schema.migrations()) + 1}")
    newer.close()
    error = await refusal(path)
    assert isinstance(error, StoreVersionError)
    assert "upgrade pyflow" in error.message


@asynchronous
async def test_a_path_through_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert isinstance(await refusal(tmp_path / "file" / "flow.db"), StoreUnavailableError)


@asynchronous
async def test_a_folder_in_place_of_the_file_is_unavailable(tmp_path: Path) -> None:
    assert isinstance(await refusal(tmp_path), StoreUnavailableError)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnavailableError):
        schema.connect_writer(tmp_path / "flow.db", "normal")


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    schema.connect_writer(path, "normal").close()
    # Root may write to any file, so the connection is made read-only rather than the file.
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError) as caught:
        reader.execute("DELETE FROM runs")
    reader.close()
    error = failure.failed_open(path, caught.value)
    assert isinstance(error, StoreUnavailableError)
    assert "permissions" in error.message


def test_a_locked_file_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flow.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.01)
    with pytest.raises(StoreUnavailableError, match="locked by another process"):
        schema.connect_writer(path, "normal")
    holder.close()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "small.db", isolation_level=None)
    database.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as caught:
        database.execute(f"CREATE TABLE t AS SELECT '{'x' * 20000}' AS text")
    database.close()
    for error in (failure.failed_open(tmp_path, caught.value), failure.failed_write(tmp_path, caught.value)):
        assert isinstance(error, StoreFullError)
        assert "make room" in error.message


@asynchronous
async def test_the_file_says_what_it_is_and_uses_write_ahead_logging(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    async with opened(path):
        pass
    database = sqlite3.connect(path)
    pragmas = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "journal_mode")]
    database.close()
    assert pragmas == [schema.APPLICATION_ID, "wal"]


@asynchronous
async def test_opening_and_closing_twice_is_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "flow.db") as service:
        await service.open()
        await service.close()
        with pytest.raises(StoreUnavailableError, match="open it first"):
            await service.get_run("a")
        with pytest.raises(StoreUnavailableError, match="open it first"):
            await service.create_run(new_run("a"))


@asynchronous
async def test_a_store_is_found_as_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    async with opened(path) as service:
        await service.create_run(new_run("a", tags=("x", "y"), actor="me"))
        before = await service.get_run("a")
    async with opened(path) as service:
        assert await service.get_run("a") == before


def test_a_program_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    program = f"""
import asyncio, pathlib
from pyflow_services.sqlite import SqliteStateService
async def main():
    service = SqliteStateService(pathlib.Path({str(tmp_path / "flow.db")!r}))
    await service.open()
    raise SystemExit(7)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, check=False, capture_output=True)
    assert ended.returncode == 7
