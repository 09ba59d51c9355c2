"""Lets a process die at a point, lets another go on, and compares what was there then with what is there in the end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from signal import SIGKILL
from subprocess import PIPE
from typing import TYPE_CHECKING, Any, NamedTuple

from chaos_scenario import SCENARIOS
from pyflow_services.sqlite import SqliteStateService

if TYPE_CHECKING:
    from tests.fixtures.family import Family

SERVER = Path(__file__).with_name("chaos_server.py")

Key = tuple[str, str]
"""A run and a step."""


class Outcome(NamedTuple):
    """What an undisturbed life gave: the outputs, the data of the services, and the points that it passed."""

    output: str
    world: Any
    reached: list[str]
    notes: int


class Lives:
    """The server that forks one process for each life of a scenario."""

    def __init__(self, family: Family, scenario: str, folder: Path) -> None:
        self.scenario = SCENARIOS[scenario]
        self._folder = folder
        self._count = 0
        self._server = family.python(SERVER, scenario, stdin=PIPE, stdout=PIPE)
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._server.popen.stdout is not None
        answer: str = self._server.popen.stdout.readline().strip()
        assert answer, self._server.log
        return answer

    def new_folder(self) -> Path:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir(parents=True)
        return folder

    def live(self, folder: Path, role: str, **when: Any) -> int:
        """One life in a process of its own; how it ended."""
        assert self._server.popen.stdin is not None
        self._server.popen.stdin.write(json.dumps({"folder": str(folder), "role": role, **when}) + "\n")
        self._server.popen.stdin.flush()
        return int(self._answer())

    def undisturbed(self, role: str, **options: Any) -> Outcome:
        folder = self.new_folder()
        if role == "work":
            assert self.live(folder, "start") == 0, said(folder)
        assert self.live(folder, role, **options) == 0, said(folder)
        answer = answered(folder)
        notes = sum(executions(folder).values()) - sum(_inline(folder).values())
        return Outcome(answer["output"], self.scenario.world(folder), answer["reached"], notes)

    def die_and_go_on(self, role: str, expected: Outcome, **when: Any) -> bool:
        """A life that is to end somewhere, and one that goes on. False if the first got through before it was hit."""
        folder = self.new_folder()
        if role == "work":
            assert self.live(folder, "start") == 0, said(folder)
        code = self.live(folder, role, **when)
        assert code in (0, -SIGKILL), said(folder)
        recorded, before = recorded_steps(folder), executions(folder)
        make_old(folder / "state.db.workers")
        assert self.live(folder, role, fused=when.get("fused", True)) == 0, said(folder)
        assert answered(folder)["output"] == expected.output, said(folder)
        assert self.scenario.world(folder) == expected.world, said(folder)
        check_executions(folder, recorded, before)
        check_store(folder)
        shutil.rmtree(folder)
        return code != 0


def said(folder: Path) -> str:
    """What the processes of a folder have said, and where the first of them died."""
    death = folder / "death"
    where = death.read_text(encoding="utf-8") if death.exists() else "no death"
    return f"{where}\n{(folder / 'log').read_text(encoding='utf-8')}"


def answered(folder: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((folder / "answer").read_text(encoding="utf-8"))
    return answer


def recorded_steps(folder: Path) -> set[Key]:
    """The steps whose results the store holds; read from a copy, so that recovery is left to whoever comes next."""
    copy = folder / "autopsy"
    copy.mkdir()
    for name in ("state.db", "state.db-wal"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, copy / name)
    with closing(sqlite3.connect(copy / "state.db")) as database:
        if not database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'steps'").fetchone()[0]:
            return set()
        sql = "SELECT run_id, step_name FROM steps JOIN runs ON runs.id = steps.run WHERE steps.seq IS NOT NULL"
        return {(run_id, step_name) for run_id, step_name in database.execute(sql)}


async def look_for_the_dead(database: Path) -> None:
    service = SqliteStateService(database)
    await service.open()
    await service.reap()
    await service.close()


def make_old(locks: Path) -> None:
    """Let the files of a dead process look as if it had died a while ago: young files of nobody are left alone."""
    for path in locks.glob("*"):
        os.utime(path, (0, 0))


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _inline(folder: Path) -> Counter[Key]:
    return Counter((run_id, step_name) for run_id, step_name in _lines(folder / "inline"))


def executions(folder: Path) -> Counter[Key]:
    """How often each step was executed: inline ones when they began, others when their side effect was done."""
    counts = _inline(folder)
    for entry in _lines(folder / "ledger"):
        run_id = entry["run"] if "run" in entry else entry["key"].split("/")[0]
        counts[run_id, entry["step"]] += 1
    return counts


def check_executions(folder: Path, recorded: set[Key], before: Counter[Key]) -> None:
    after = executions(folder)
    assert {key: after[key] for key in recorded} == {key: before[key] for key in recorded}, said(folder)
    assert set(after.values()) <= {1, 2}, (after, said(folder))


def check_store(folder: Path) -> None:
    """What is there in the end is whole, in order, and held by nobody once somebody has looked for the dead."""
    asyncio.run(look_for_the_dead(folder / "state.db"))
    with closing(sqlite3.connect(folder / "state.db")) as database:

        def rows(sql: str) -> list[Any]:
            return database.execute(sql).fetchall()

        assert rows("PRAGMA integrity_check") == [("ok",)]
        assert rows("SELECT * FROM workers UNION ALL SELECT *, 0, 0, 0 FROM listeners") == []
        assert {row[0] for row in rows("SELECT status FROM runs")} == {"completed"}
        for run, seq in rows("SELECT id, seq FROM runs"):
            numbers = [row[0] for row in database.execute("SELECT seq FROM steps WHERE run = ? ORDER BY seq", (run,))]
            assert numbers == list(range(1, seq + 1))
        twice = "SELECT run, step_name FROM events WHERE seq IS NOT NULL GROUP BY run, step_name HAVING count(*) > 1"
        assert rows(twice) == []
    assert list((folder / "state.db.workers").iterdir()) == []
