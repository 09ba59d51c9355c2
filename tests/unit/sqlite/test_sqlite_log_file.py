"""The write-ahead log is lengthened once, loses nothing, and stays as it is where it cannot be."""

from __future__ import annotations

import os
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest
from pyflow_services.sqlite import log_file, schema, writer
from sqlite_bench import asynchronous, new_run, opened, raw

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_services.sqlite import SqliteStateService

FULL_BYTES = 32 + 2048 * (2048 + 24)


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


async def write(service: SqliteStateService, commits: int) -> None:
    for number in range(commits):
        await service.create_run(new_run(f"run-{number:02}"))
    await raw(service, lambda _: None)  # what the thread does after its answers is over


@asynchronous
async def test_a_process_that_goes_on_writing_lengthens_the_log_and_loses_nothing(tmp_path: Path) -> None:
    path, copy = tmp_path / "flow.db", tmp_path / "crashed.db"
    async with opened(path, synchronous="full") as service:
        await write(service, writer.LENGTHEN_AFTER_COMMITS + 5)
        assert log_of(path).stat().st_size == FULL_BYTES
        # As a crash would leave it: nothing is checkpointed, everything stands in the log.
        shutil.copy(path, copy)
        shutil.copy(log_of(path), log_of(copy))
    async with opened(copy) as service:
        found = await service.find_runs("run-", 100)
    assert found == [f"run-{number:02}" for number in range(writer.LENGTHEN_AFTER_COMMITS + 5)]


@asynchronous
async def test_the_log_keeps_its_length_when_it_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    async with opened(path, synchronous="full") as service:
        await write(service, writer.LENGTHEN_AFTER_COMMITS)
        for _ in range(3):
            await raw(service, lambda database: database.execute("PRAGMA wal_checkpoint(RESTART)").fetchall())
            await service.create_run(new_run("again"))
            assert log_of(path).stat().st_size == FULL_BYTES


@asynchronous
async def test_who_writes_little_or_does_not_flush_leaves_the_log_short(tmp_path: Path) -> None:
    for name, synchronous, commits in (("few", "full", 5), ("many", "normal", writer.LENGTHEN_AFTER_COMMITS + 1)):
        path = tmp_path / f"{name}.db"
        async with opened(path, synchronous=synchronous) as service:
            await write(service, commits)
            assert log_of(path).stat().st_size < FULL_BYTES / 2


def test_a_disk_without_room_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flow.db"
    database = schema.connect_writer(path, "full")
    before = log_of(path).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        log_file.lengthen(database, path)
    assert log_of(path).read_bytes() == before
    log_file.lengthen(database, path)
    log_file.lengthen(database, path)
    assert log_of(path).stat().st_size == FULL_BYTES
    database.close()


def test_while_another_process_writes_the_log_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.01)
    path = tmp_path / "flow.db"
    database = schema.connect_writer(path, "full")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = log_of(path).stat().st_size
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        log_file.lengthen(database, path)
    assert log_of(path).stat().st_size == before
    other.close()
    database.close()


def test_a_store_with_pages_of_another_size_keeps_them_and_has_a_log_of_the_same_length(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    older = sqlite3.connect(path)
    older.execute("PRAGMA page_size = 4096")
    older.execute("PRAGMA journal_mode = WAL")
    older.execute("VACUUM")
    older.close()
    database = schema.connect_writer(path, "full")
    assert database.execute("PRAGMA page_size").fetchone() == (4096,)
    assert database.execute("PRAGMA wal_autocheckpoint").fetchone() == (1024,)
    log_file.lengthen(database, path)
    assert log_of(path).stat().st_size == 32 + 1024 * (4096 + 24)
    database.close()
