"""Kills workers around puts and commits, lets others go on, and looks at every reference after each death."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

from death_sweep import make_old, recorded_steps
from payload_flow import RUNS
from payload_server import MOMENTS, PAYLOADS, STATE
from pyflow_services.files import FilesPayloadService
from pyflow_services.sqlite import SqliteStateService

from pyflow_core.errors import PayloadError
from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.collection import CollectionPolicy, Collector
from pyflow_core.payload.key import parse_key
from pyflow_core.payload.reader import PayloadReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.payload.reference import Reference
    from tests.fixtures.family import Family

SERVER = Path(__file__).with_name("payload_server.py")
WAYS = (("all", True), ("all", False), ("work", True))
"""The role of the process that dies, and whether its commits are fused."""

_REFERENCES = """
    SELECT input_reference FROM run_inputs UNION SELECT output_reference FROM runs
    UNION SELECT input_reference FROM steps UNION SELECT output_reference FROM steps
    UNION SELECT input_reference FROM steps_archive UNION SELECT output_reference FROM steps_archive
"""


@dataclass
class Tally:
    """What a moment's kills have led to. `orphans` are counted when the process died, and when the runs had ended.

    `streams_in_the_end` are those of them that go with their run.
    """

    kills: int = 0
    references: int = 0
    dangling: int = 0
    orphans_at_death: int = 0
    orphans_in_the_end: int = 0
    streams_in_the_end: int = 0
    deleted: int = 0
    ran_twice: int = 0
    wrong: int = 0
    where: Counter[str] = field(default_factory=Counter)


class PayloadLives:
    """The server that forks one process for each life."""

    def __init__(self, family: Family, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._server = family.python(SERVER, stdin=PIPE, stdout=PIPE)
        assert self._answer() == "ready"
        self.tallies = {moment: Tally() for moment in MOMENTS}

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

    def prepare(self, role: str) -> Path:
        """A folder in which a life of this role can begin."""
        folder = self.new_folder()
        if role == "work":
            assert self.live(folder, "start") == 0, said(folder)
        return folder

    def count_moments(self, role: str, *, fused: bool) -> dict[str, int]:
        """How many moments of each kind an undisturbed life has."""
        folder = self.prepare(role)
        assert self.live(folder, role, fused=fused) == 0, said(folder)
        answer = json.loads((folder / "answer").read_text(encoding="utf-8"))
        assert answer["right"] == [True] * len(RUNS), said(folder)
        shutil.rmtree(folder)
        counts: dict[str, int] = answer["counts"]
        return counts

    def kill_and_go_on(self, moment: str, occurrence: int, role: str, *, fused: bool) -> bool:
        """One death and what comes after it. False if the life got through before it was hit."""
        folder = self.prepare(role)
        code = self.live(folder, role, fused=fused, moment=moment, occurrence=occurrence)
        assert code in (0, -SIGKILL), said(folder)
        if code == 0:
            shutil.rmtree(folder)
            return False
        tally = self.tallies[moment]
        tally.kills += 1
        self._look_at_the_dead(folder, moment, tally)
        recorded, before = recorded_steps(folder), executions(folder)
        make_old(folder / f"{STATE}.workers")
        assert self.live(folder, role, fused=fused) == 0, said(folder)
        answer = json.loads((folder / "answer").read_text(encoding="utf-8"))
        after = executions(folder)
        twice = [key for key in recorded if after[key] != before[key]]
        tally.ran_twice += len(twice)
        tally.wrong += not all(answer["right"])
        self._collect(folder, tally)
        assert not twice, (twice, said(folder))
        assert answer["right"] == [True] * len(RUNS), said(folder)
        shutil.rmtree(folder)
        return True

    def _look_at_the_dead(self, folder: Path, moment: str, tally: Tally) -> None:
        _, _, key = json.loads((folder / "death").read_text(encoding="utf-8"))
        # `recorded_steps` makes a copy, so that recovery is left to whoever comes next; this looks at that copy too.
        recorded_steps(folder)
        references = read_references(folder / "autopsy" / STATE)
        shutil.rmtree(folder / "autopsy")
        tally.references += len(references)
        stored = asyncio.run(list_payloads(folder))
        held = {reference.key for reference in references}
        tally.dangling += (dangling := asyncio.run(count_dangling(folder, references)))
        tally.orphans_at_death += len(stored - held)
        assert not dangling, said(folder)
        # That the process died where it should have is seen from what it left.
        if moment == "before-put":
            assert key not in held | stored, said(folder)
        elif moment == "after-put":
            assert key in stored - held, said(folder)
        else:
            assert held, said(folder)
        tally.where[_place(moment, key)] += 1

    def _collect(self, folder: Path, tally: Tally) -> None:
        """Sweep when all runs have ended: what nobody refers to goes, everything else is whole. Then purge it all."""
        references = read_references(folder / STATE)
        held = {reference.key for reference in references}
        orphans = asyncio.run(list_payloads(folder)) - held
        streams = {key for key in orphans if _is_stream(key)}
        named = [parse_key(key) for key in held if _is_stream(key)]
        assert sorted(parts.run_id or "" for parts in named if parts is not None) == sorted(RUNS), said(folder)
        found, deleted = asyncio.run(sweep(folder))
        left = asyncio.run(list_payloads(folder))
        dangling = asyncio.run(count_dangling(folder, references))
        tally.references += len(references)
        tally.dangling += dangling
        tally.orphans_in_the_end += len(orphans)
        tally.streams_in_the_end += len(streams)
        tally.deleted += deleted
        assert not dangling, said(folder)
        assert found == orphans - streams, said(folder)
        assert left == held | streams, said(folder)
        # Streams live as long as their run, whether a value names them or not.
        assert asyncio.run(purge(folder)) == sorted(RUNS), said(folder)
        assert asyncio.run(list_payloads(folder)) == set(), said(folder)


def _is_stream(key: str) -> bool:
    parts = parse_key(key)
    return parts is not None and parts.lives_with_run


def _place(moment: str, key: str) -> str:
    """What was being committed, or stored."""
    if moment == "after-commit":
        return key.removesuffix(":after")
    parts = parse_key(key)
    assert parts is not None
    owner = "the run" if parts.step is None else parts.step.split("-")[0]
    return f"{parts.slot} of {owner}"


def said(folder: Path) -> str:
    """What the processes of a folder have said, and where the first of them died."""
    death = folder / "death"
    where = death.read_text(encoding="utf-8") if death.exists() else "no death"
    return f"{where}\n{(folder / 'log').read_text(encoding='utf-8')}"


def executions(folder: Path) -> Counter[tuple[str, str]]:
    """How often each step of each run was executed."""
    ledger = folder / "ledger"
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return Counter((run_id, step_name) for run_id, step_name in map(json.loads, lines))


def read_references(database: Path) -> list[Reference]:
    """Every reference that a row of the state holds, in a column of its own."""
    with closing(sqlite3.connect(database)) as connection:
        texts = [row[0] for row in connection.execute(_REFERENCES) if row[0] is not None]
        keys = {row[0] for row in connection.execute("SELECT key FROM payload_references")}
    found: dict[str, Reference] = {}
    for text in texts:
        read = read_reference(text)
        found |= {one.key: one for one in (read if isinstance(read, tuple) else (read,))}
    assert found.keys() == keys, "the rows and the table of references disagree"
    return list(found.values())


async def list_payloads(folder: Path) -> set[str]:
    """The keys of everything that the payload store holds."""
    store = FilesPayloadService(folder / PAYLOADS)
    return {item.key async for item in store.objects("payloads/")}


async def count_dangling(folder: Path, references: Iterable[Reference]) -> int:
    """How many references do not resolve to what they say."""
    store = FilesPayloadService(folder / PAYLOADS)
    reader = PayloadReader({store.name: store})
    count = 0
    for reference in references:
        try:
            await reader.verify(reference)
        except PayloadError:
            count += 1
    return count


async def sweep(folder: Path) -> tuple[set[str], int]:
    """The orphans that a dry run finds, and how many a sweep then deletes."""
    store = FilesPayloadService(folder / PAYLOADS)
    state = SqliteStateService(folder / STATE)
    await state.open()
    collector = Collector([store], state.ledger, CollectionPolicy(grace_seconds=0))
    found = await collector.sweep(dry_run=True)
    swept = await collector.sweep()
    await state.close()
    return {key for keys in found.orphans.values() for key in keys}, swept.deleted


async def purge(folder: Path) -> list[str]:
    """The runs that a purge of everything deletes."""
    store = FilesPayloadService(folder / PAYLOADS)
    state = SqliteStateService(folder / STATE)
    await state.open()
    report = await Collector([store], state.ledger).purge(0.0)
    await state.close()
    return sorted(report.purged)


def table(tallies: dict[str, Tally]) -> str:
    """The tallies as a table."""
    columns = "killed,times,references checked,dangling,completed steps run again,wrong results,orphans at death"
    names = [*columns.split(","), "orphans in the end", "of these streams", "collected", "at which"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for moment, tally in tallies.items():
        where = ", ".join(f"{name} {count}" for name, count in sorted(tally.where.items()))
        cells = [tally.kills, tally.references, tally.dangling, tally.ran_twice, tally.wrong]
        cells += [tally.orphans_at_death, tally.orphans_in_the_end, tally.streams_in_the_end, tally.deleted]
        lines.append(f"| {moment} | {' | '.join(map(str, cells))} | {where} |")
    return "\n".join(lines)
