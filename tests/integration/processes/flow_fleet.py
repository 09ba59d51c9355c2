"""Workers on one file, and what was noted and recorded of their work."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import flow_sample

from tests.fixtures.family import Family, Process, until

if TYPE_CHECKING:
    import pytest

WORKER = Path(__file__).with_name("flow_worker.py")
LONG_LEASE = 3600.0


class Note(NamedTuple):
    verb: str
    run_id: str
    step_name: str
    pid: int


class Fleet:
    """Processes that work on one store in a folder."""

    def __init__(self, family: Family, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = folder / "state.db"
        self.url = f"sqlite:///{self.database.as_posix()}?synchronous=normal"
        self._family = family
        self._journal = folder / "journal"
        monkeypatch.setenv("FLOW_JOURNAL", str(self._journal))

    def worker(self, *, lease_seconds: float = LONG_LEASE, concurrency: int = 10) -> Process:
        """A worker that is ready."""
        process = self._family.python(WORKER, self.url, str(lease_seconds), str(concurrency))
        process.says("ready")
        return process

    def notes(self, only: str | None = None) -> list[Note]:
        if not self._journal.exists():
            return []
        lines = [line.split() for line in self._journal.read_text(encoding="utf-8").splitlines()]
        notes = [Note(verb, run_id, step_name, int(pid)) for verb, run_id, step_name, pid in lines]
        return [note for note in notes if only in (None, note.verb)]

    def executions(self) -> Counter[tuple[str, str]]:
        """How often each step that does not wait was executed."""
        return Counter((note.run_id, note.step_name) for note in self.notes("done"))

    def until_noted(self, verb: str, step_name: str, pid: int) -> None:
        def noted() -> bool:
            return any(note.verb == verb and (note.step_name, note.pid) == (step_name, pid) for note in self.notes())

        until(noted, lambda: f"{verb} {step_name} {pid} is not among {self.notes()}")

    def open_gate(self, step_name: str, pid: int) -> None:
        flow_sample.gate(step_name, pid).touch()

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(sql).fetchall()

    def events(self) -> list[tuple[str, str | None, str | None]]:
        """The type, step and worker of every event, in order."""
        return self.rows("SELECT type, step_name, worker FROM events ORDER BY id")

    def workers(self) -> dict[int, str]:
        """The ids of the workers that have a lease, by process."""
        return dict(self.rows("SELECT pid, worker_id FROM workers"))
