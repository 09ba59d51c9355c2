"""The table of payloads, and the connections that use it.

The table is made where it is missing, apart from the migrations of the state: a file may hold one, the other or both.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Literal

from pyflow_core.errors import StoreFormatError

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "payloads"
SCHEMA = "main"
APPLICATION_ID = 0x70666C77
"""The same as in a state's file, so that the state accepts a file that payloads have made."""
BUSY_SECONDS = 5.0

Synchronous = Literal["full", "normal"]

# Data comes last, so that listing reads no page of it. The rowid stays: blobs are written in pieces by it.
_CREATE = """
CREATE TABLE IF NOT EXISTS payloads (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    modified_at REAL NOT NULL,
    data BLOB NOT NULL
) STRICT
"""


def connect_writer(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """The writing connection; makes the file and the table if need be.

    Raises:
        StoreFormatError: the file is somebody else's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path)
    try:
        _check_owner(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if synchronous == 'full' else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_CREATE)
        if connection.execute("PRAGMA application_id").fetchone()[0] == 0:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application != 0 or tables > 0):
        raise StoreFormatError(
            f"{path} is a database of another program: name another file for payloads, or move this one away"
        )
