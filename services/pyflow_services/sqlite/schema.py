"""Opening the file: is it ours, how old is it, and the migrations that bring it up to date."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from pyflow_core.errors import StoreError, StoreFormatError, StoreUnavailableError, StoreVersionError
from pyflow_services.sqlite.failure import failed_open
from pyflow_services.sqlite.log_file import PAGE_BYTES, checkpoint_pages

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION_ID = 0x70666C77
"""`pflw`, in the header of every file of ours."""

BUSY_SECONDS = 5.0
CACHE_KIB = 32 * 1024
OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables; RETURNING is older."""

Synchronous = Literal["full", "normal"]


@cache
def migrations() -> tuple[str, ...]:
    """The migrations in order; the version of a store is how many of them it has had."""
    folder = files(__package__ or "").joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    numbers = [int(name.split("_", 1)[0]) for name in names]
    if numbers != list(range(1, len(names) + 1)):
        raise RuntimeError(f"the migrations of the SQLite store are not numbered 1, 2, 3 …: {names}")
    return tuple(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def connect_writer(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """The writing connection: creates and migrates the store if need be.

    Raises:
        StoreFormatError, StoreVersionError, StoreUnavailableError, StoreFullError: each says what to do.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreUnavailableError(
            f"the store needs SQLite 3.37 or newer, and this Python has {sqlite3.sqlite_version}: use a newer Python"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite opens what it may only read, and says so at the first commit.
        if path.is_file() and not os.access(path, os.W_OK):
            raise PermissionError(f"no permission to write {path}")
        return _prepared(path, synchronous)
    except (sqlite3.Error, OSError) as error:
        raise failed_open(path, error) from error


def _prepared(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        # Whose file it is comes first: what follows would write to it.
        _check_owner(connection, path)
        connection.execute(f"PRAGMA synchronous = {'FULL' if synchronous == 'full' else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a file that is made now
        _use_wal(connection, path)
        connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages(connection)}")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StoreUnavailableError(
            f"{path} cannot use write-ahead logging: keep the store on a disk of this machine, not on a share"
        )


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect_heartbeat(path: Path) -> sqlite3.Connection:
    """A connection for lease renewals: no fsync, no checkpoint, and for any thread behind the caller's lock."""
    connection = _connect(path, any_thread=True)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _connect(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256, check_same_thread=not any_thread
    )
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def _pragma(connection: sqlite3.Connection, name: Literal["application_id", "user_version"]) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    application = _pragma(connection, "application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application != 0 or tables > 0):
        raise StoreFormatError(
            f"{path} is a database of another program: name another file for the store, or move this one away"
        )
    version = _pragma(connection, "user_version")
    if application == APPLICATION_ID and version > len(migrations()):
        raise StoreVersionError(
            f"{path} was written by a newer pyflow (store version {version}, this one knows {len(migrations())}): "
            "upgrade pyflow to open it"
        )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "user_version") == len(migrations()):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been here between the first look and the lock.
        _check_owner(connection, path)
        for script in migrations()[_pragma(connection, "user_version") :]:
            for statement in split(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations())}")
        connection.execute("COMMIT")
    except (sqlite3.Error, StoreError):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def split(script: str) -> list[str]:
    """The statements of a script; `executescript` cannot run inside a transaction."""
    statements: list[str] = []
    rest = ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            statements.append(rest)
            rest = ""
    if rest.strip():
        raise RuntimeError(f"a migration ends within a statement: {rest.strip()[:80]!r}")
    return statements
