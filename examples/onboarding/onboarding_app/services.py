"""What the functions are given by name: a database, a mailer and an SMS gateway, all of them local.

They are real enough to show what an idempotency key is for: each remembers the keys that it has seen, so that a step
which is tried again after a crash does its work once.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[1]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, region TEXT NOT NULL, premium INTEGER NOT NULL,
    created_by TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS premium (user_id TEXT PRIMARY KEY REFERENCES users(id), features TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT OR IGNORE INTO settings VALUES ('theme', 'dark'), ('language', 'en');
"""


class AddressInUseError(Exception):
    """Another user has this address."""


class Database:
    """Users in an SQLite file. A connection is opened for each call, so any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as connection:
            connection.executescript(_SCHEMA)

    def insert_user(self, email: str, region: str, *, premium: bool, key: str) -> str:
        """The id of the new user; with a key that was seen before, that of the user whom it made then.

        Raises:
            AddressInUseError
        """
        with self._transaction() as connection:
            row = connection.execute("SELECT id FROM users WHERE created_by = ?", (key,)).fetchone()
            if row is not None:
                return str(row[0])
            user_id = uuid5(NAMESPACE_URL, key).hex
            try:
                connection.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?)", (user_id, email, region, premium, key))
            except sqlite3.IntegrityError as error:
                raise AddressInUseError(f"{email} is signed up already") from error
            return user_id

    def enable_premium(self, user_id: str, features: list[str]) -> None:
        """Give a user features; a second time changes nothing, so no key is needed."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO premium VALUES (?, ?)", (user_id, json.dumps(features)))

    def settings(self) -> dict[str, str]:
        """The default settings of new users."""
        with self._transaction() as connection:
            return {str(name): str(value) for name, value in connection.execute("SELECT name, value FROM settings")}

    def count_users(self) -> int:
        """How many there are."""
        with self._transaction() as connection:
            return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            yield connection


class Outbox:
    """Messages as files of a folder, where a real one would call a provider with the same key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def send(self, to: str, text: str, *, key: str) -> bool:
        """Send a message; False if this key was sent before. Giving the file its name is the one moment that counts."""
        name = uuid5(NAMESPACE_URL, key).hex
        partial = self._folder / f".{name}.{os.getpid()}.{get_ident()}"
        partial.write_text(f"To: {to}\n\n{text}\n", encoding="utf-8")
        try:
            (self._folder / f"{name}.txt").hardlink_to(partial)
        except FileExistsError:
            return False
        finally:
            partial.unlink()
        return True

    def messages(self) -> list[str]:
        """Everything that was sent."""
        return sorted(path.read_text(encoding="utf-8") for path in self._folder.glob("*.txt"))


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

    db: Database
    mailer: Outbox
    sms: Outbox
    ledger: Ledger


def create_services() -> Services:
    """`ONBOARDING_DATA` is the folder of the data, `ONBOARDING_LEDGER` the file of the ledger."""
    data = Path(os.environ.get("ONBOARDING_DATA") or ROOT / ".pyflow" / "data")
    ledger = os.environ.get("ONBOARDING_LEDGER")
    return open_services(data, Path(ledger) if ledger else None)


def open_services(data: Path, ledger: Path | None = None) -> Services:
    """The services on a folder, for the factory and for tests."""
    return Services(
        db=Database(data / "users.db"),
        mailer=Outbox(data / "mail"),
        sms=Outbox(data / "sms"),
        ledger=Ledger(ledger),
    )
