"""Activations a second through the SQLite store, beside the bare floor of the same rows.

    python tests/benchmarks/bench_sqlite_commit.py [--members 500] [--rounds 10] [--repeat 5]

Each of N coroutines owns a run and commits one inline result after the other. The floor is one thread that writes the
same rows in the same batches: an update of each run, then `executemany` of the steps and of the events, and a commit.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from pyflow_services.sqlite import SqliteStateService, schema

from pyflow_core.ports.state import Activation, Envelope, NewRun, StepForm, StepResult, WorkerInfo

if TYPE_CHECKING:
    import sqlite3

OUTPUT = Envelope('{"i":1,"id":"u1","ok":true}')
WORKER = WorkerInfo("bench", 60.0, "here", 1)


def activation(run_id: str, number: int) -> Activation:
    result = StepResult(StepForm.INLINE, f"step-{number}", 0, 1, OUTPUT, None, number, None, None, 1.7e9, 1.7e9)
    return Activation(run_id, 1, "bench", number, exact=True, results=[result])


async def drive(service: SqliteStateService, run_id: str, rounds: range) -> None:
    for number in rounds:
        await service.commit(activation(run_id, number))


async def through_the_service(path: Path, mode: schema.Synchronous, members: int, rounds: int, repeat: int) -> None:
    service = SqliteStateService(path, synchronous=mode)
    await service.open()
    await service.join(WORKER)
    rates: list[float] = []
    for _ in range(repeat + 1):
        run_ids = [str(uuid.uuid4()) for _ in range(members)]
        created = [service.create_run(NewRun(run_id, "bench", OUTPUT, "hash"), claim_for="bench") for run_id in run_ids]
        await asyncio.gather(*created)
        before = service.commits
        began = time.perf_counter()
        await asyncio.gather(*(drive(service, run_id, range(rounds)) for run_id in run_ids))
        rates.append(members * rounds / (time.perf_counter() - began))
    commits = service.commits - before
    await service.close()
    RATES[mode, members] = statistics.median(rates[1:])
    print(f"{mode:7} {members:4} members  service {RATES[mode, members]:9,.0f}/s  {list(map(int, rates[1:]))}  "
          f"{commits} commits for {rounds} rounds")  # fmt: skip


RATES: dict[tuple[str, int], float] = {}

_RUN = "UPDATE runs SET seq = seq + 1, takeovers = 0, updated_at = ? WHERE id = ? AND owner = ? AND epoch = ?"
_STEP = """
    INSERT INTO steps (
        run, step_name, form, description, options, output_inline, output_reference, output_meta, output_context, error,
        status, asked_at, seq, attempts, worker, scheduled_at, started_at, finished_at
    ) VALUES (?, ?, 'inline', NULL, NULL, ?, NULL, NULL, NULL, NULL, 'completed', ?, ?, 1, 'bench', ?, ?, ?)
"""
_EVENT = """
    INSERT INTO events (run, generation, type, seq, step_name, attempt, worker, detail, at)
    VALUES (?, 1, 'step.completed', ?, ?, 1, 'bench', NULL, ?)
"""


def bare_floor(path: Path, mode: schema.Synchronous, members: int, rounds: int, repeat: int) -> None:
    database = schema.connect_writer(path, mode)
    rates: list[float] = []
    for again in range(repeat + 1):
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO runs (run_id, workflow, status, owner, epoch, created_at, updated_at)"
            " VALUES (?, 'bench', 'running', 'bench', 1, 1.7e9, 1.7e9)",
            [(str(uuid.uuid4()),) for _ in range(members)],
        )
        database.execute("COMMIT")
        keys = range(again * members + 1, (again + 1) * members + 1)
        began = time.perf_counter()
        for number in range(rounds):
            write_round(database, keys, number)
        rates.append(members * rounds / (time.perf_counter() - began))
    database.close()
    floor = statistics.median(rates[1:])
    print(f"{mode:7} {members:4} members  floor   {floor:9,.0f}/s  {list(map(int, rates[1:]))}  "
          f"service / floor = {RATES[mode, members] / floor:.2f}")  # fmt: skip


def write_round(database: sqlite3.Connection, keys: range, number: int) -> None:
    now, name, seq = time.time(), f"step-{number}", number + 1
    database.execute("BEGIN IMMEDIATE")
    database.executemany(_RUN, [(now, key, "bench", 1) for key in keys])
    database.executemany(_STEP, [(key, name, OUTPUT.inline, number, seq, now, now, now) for key in keys])
    database.executemany(_EVENT, [(key, seq, name, now) for key in keys])
    database.execute("COMMIT")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, nargs="*", default=[1, 10, 100, 500])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    if options.uvloop:
        import uvloop

        uvloop.install()
    modes: tuple[schema.Synchronous, ...] = ("full", "normal")
    for mode in modes:
        for members in options.members:
            # As many activations at every concurrency, within reason.
            rounds = options.rounds * max(1, min(20, 100 // members))
            with tempfile.TemporaryDirectory() as folder:
                at = Path(folder)
                asyncio.run(through_the_service(at / "service.db", mode, members, rounds, options.repeat))
                bare_floor(at / "floor.db", mode, members, rounds, options.repeat)


if __name__ == "__main__":
    main()
