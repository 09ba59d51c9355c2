"""What the functions are given by name: a journal of facts in an SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[1]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decisions (user_id TEXT PRIMARY KEY, approved INTEGER NOT NULL);
"""


class Journal:
    """Remembers what was done, once for each key: whoever asks for the same a second time changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as connection:
            connection.executescript(_SCHEMA)

    def record(self, kind: str, value: str, *, key: str) -> None:
        """Write a fact down, unless this key has one."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)", (key, kind, value))

    def facts(self, kind: str) -> list[str]:
        """The values of all facts of a kind."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT value FROM facts WHERE kind = ? ORDER BY value", (kind,)).fetchall()
        return [str(value) for (value,) in rows]

    def decide(self, user_id: str, *, approved: bool) -> None:
        """What a person does in the back office: approve a user, or not."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO decisions VALUES (?, ?)", (user_id, approved))

    def decision(self, user_id: str) -> bool | None:
        """What was decided; None as long as nobody has."""
        with self._transaction() as connection:
            row = connection.execute("SELECT approved FROM decisions WHERE user_id = ?", (user_id,)).fetchone()
        return None if row is None else bool(row[0])

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            yield connection


class Ledger:
    """Appends a line for every side effect that was executed, as a witness for tests that kill workers."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def note(self, step_name: str, key: str) -> None:
        """One line in one write, so that lines of several processes stay whole."""
        if self._path is None:
            return
        entry = {"step": step_name, "key": key, "pid": os.getpid()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(entry).encode() + b"\n")


@dataclass(frozen=True)
class Services:
    """A function's keyword-only parameter takes the attribute of the same name."""

    journal: Journal
    ledger: Ledger


def create_services() -> Services:
    """`PATTERNS_DATA` is the folder of the data, `PATTERNS_LEDGER` the file of the ledger."""
    data = Path(os.environ.get("PATTERNS_DATA") or ROOT / ".pyflow" / "data")
    ledger = os.environ.get("PATTERNS_LEDGER")
    return Services(journal=Journal(data / "journal.db"), ledger=Ledger(Path(ledger) if ledger else None))
