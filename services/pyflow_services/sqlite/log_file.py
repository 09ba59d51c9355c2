"""The length of the write-ahead log: full at once, so that a flush writes data and nothing about the file.

A file that grows makes the file system flush its own journal too, which takes half as long again. SQLite lets the log
grow with each commit up to where it checkpoints, and from then on writes over it: every flush of a young log is a slow
one, unless the log is lengthened at once.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES = 2048
"""What a flush of one step's commit writes is half a dozen pages with a few new bytes each: smaller ones cost less."""

LOG_BYTES = 4 * 1024 * 1024
"""So many bytes of pages are written to the log before they are copied into the database and written over."""

SHORT_PAGES = 64
"""The same on a disk that has been full."""

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24


def checkpoint_pages(database: sqlite3.Connection) -> int:
    """The length of the log in pages of this database, which keeps the size of page that it was made with."""
    return LOG_BYTES // _page_bytes(database)


def _page_bytes(database: sqlite3.Connection) -> int:
    page_bytes: int = database.execute("PRAGMA page_size").fetchone()[0]
    return page_bytes


def lengthen(database: sqlite3.Connection, path: Path) -> None:
    """Fill the log of a database with zeros up to where it is written over; a log that is as long stays as it is.

    Zeros end the log for whoever reads it, as its checksums do not fit them. Nothing is promised: a disk without room
    for it leaves the log to grow.
    """
    length = _HEADER_BYTES + checkpoint_pages(database) * (_page_bytes(database) + _FRAME_HEADER_BYTES)
    # As the one who writes: nobody else may append to the log, or start it anew, meanwhile.
    database.execute("BEGIN IMMEDIATE")
    try:
        with suppress(OSError):
            _fill(path.with_name(f"{path.name}-wal"), length)
    finally:
        database.execute("ROLLBACK")


def give_back(database: sqlite3.Connection) -> bool:
    """Copy the log into the database and give its room back, for a disk that is full. Whether that went well.

    The log of this connection stays short from then on: the database needs what little room there is.
    """
    with suppress(sqlite3.Error):
        database.execute(f"PRAGMA wal_autocheckpoint = {SHORT_PAGES}")
        busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    return False


def _fill(log: Path, length: int) -> None:
    with log.open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size >= length:
            return
        try:
            file.write(bytes(length - size))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise
        if file.tell() < length:  # the disk took a part of it
            file.truncate(size)
