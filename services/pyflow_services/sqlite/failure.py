"""What an error of SQLite means to a caller. Every message names the file and says what to do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from pyflow_core.errors import (
    CommitUnknownError,
    PayloadContractError,
    StoreFormatError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.errors import StoreError

_ROW_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
)


def is_store_failure(error: BaseException) -> bool:
    """Whether the file or its disk failed, rather than the row that was given."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, _ROW_ERRORS)


def _code(error: BaseException) -> int:
    # The low byte is the primary code; the rest only tells where it happened.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_full(error: BaseException) -> bool:
    """Whether the disk, or the size that the file may have, is used up."""
    return _code(error) == sqlite3.SQLITE_FULL


def failed_write(path: Path, error: BaseException) -> StoreError:
    """For each member of a transaction that could not be begun, written or committed."""
    if is_full(error):
        return StoreFullError(f"the disk of {path} is full, so nothing was written: make room and try again")
    if _code(error) == sqlite3.SQLITE_BUSY:
        return CommitUnknownError(
            f"{path} stayed locked by another process: see which one has it open, or wait and try again"
        )
    if _code(error) == sqlite3.SQLITE_READONLY:
        return CommitUnknownError(f"{path} cannot be written: check the permissions of the file and its folder")
    return CommitUnknownError(f"a commit to {path} failed ({error}): what it wrote is unknown until it is read again")


def failed_read(path: Path, error: sqlite3.Error) -> StoreError:
    """For a read that failed."""
    return StoreUnavailableError(f"{path} cannot be read ({error}): check the file, its folder and its disk")


def failed_open(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """For a store that cannot be opened."""
    code = _code(error)
    if code == sqlite3.SQLITE_NOTADB:
        return StoreFormatError(f"{path} is not a database: name another file for the store, or move this one away")
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreFormatError(f"{path} is damaged ({error}): restore it from a backup, or move it away")
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError(f"the disk of {path} is full: make room and try again")
    if code == sqlite3.SQLITE_BUSY:
        return StoreUnavailableError(f"{path} stayed locked by another process: see which one has it open")
    if code == sqlite3.SQLITE_READONLY or isinstance(error, PermissionError):
        return StoreUnavailableError(f"{path} cannot be written: check the permissions of the file and its folder")
    return StoreUnavailableError(f"{path} cannot be opened ({error}): check the path and its permissions")


def refused_row(error: BaseException) -> StoreError | None:
    """For a value that the tables refuse; None if the error is about something else."""
    if isinstance(error, (*_ROW_ERRORS, UnicodeError, OverflowError)):
        return PayloadContractError(f"the store refuses this row: {error}")
    return None
