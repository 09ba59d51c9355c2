"""What is read without a claim: histories, lists, and what a relay is to put on its queues.

Each function reads one consistent snapshot: a single statement, or several in a read transaction.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyflow_core import naming
from pyflow_core.errors import InvalidOptionError
from pyflow_core.ports.state import Job, RunEvent, RunFilter, RunHistory, RunPage, RunRecord, RunSummary, StepRecord
from pyflow_services.sqlite import rows
from pyflow_services.sqlite.steps import DUE, job

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from pyflow_core.ports.state import Numbered, StepClaim
    from pyflow_services.sqlite.rows import Row

REOFFER_SECONDS = 300.0
"""After so long a marked job is offered again, in case the queue lost it."""

_STEPS_OF = f"""
    SELECT {rows.STEP_COLUMNS} FROM steps AS s
    WHERE s.run = (SELECT id FROM runs WHERE run_id = ?)
"""


def numbers(database: sqlite3.Connection, worker_id: str) -> dict[str, int]:
    """The number of every run that a worker owns."""
    return dict(database.execute("SELECT run_id, seq FROM runs WHERE owner = ?", [worker_id]).fetchall())


def load_run(database: sqlite3.Connection, run_id: str) -> RunHistory | None:
    """A run with its steps and entries."""
    database.execute("BEGIN")
    try:
        row = _run_row(database, run_id)
        steps = [] if row is None else _steps(database, row[rows.RUN_KEY])
    finally:
        database.execute("COMMIT")
    return None if row is None else rows.history(row, steps)


def _run_row(database: sqlite3.Connection, run_id: str) -> Row | None:
    found = database.execute(
        f"SELECT {rows.RUN_COLUMNS} FROM {rows.RUN_TABLES} WHERE r.run_id = ?", [run_id]
    ).fetchall()
    return found[0] if found else None


def _steps(database: sqlite3.Connection, run: int) -> list[Row]:
    return database.execute(
        f"SELECT {rows.STEP_COLUMNS} FROM steps AS s WHERE s.run = ? ORDER BY {rows.STEP_ORDER}", [run]
    ).fetchall()


def load_after(database: sqlite3.Connection, run_id: str, seq: int) -> tuple[Numbered, ...]:
    """What has a number above `seq`."""
    database.execute("BEGIN")
    try:
        steps = database.execute(f"{_STEPS_OF} AND s.seq > ?", [run_id, seq]).fetchall()
        entries = database.execute(
            "SELECT seq, type, at FROM entries WHERE run = (SELECT id FROM runs WHERE run_id = ?) AND seq > ?",
            [run_id, seq],
        ).fetchall()
    finally:
        database.execute("COMMIT")
    return rows.in_order(run_id, steps, entries)


def get_run(database: sqlite3.Connection, run_id: str) -> RunRecord | None:
    """One run."""
    row = _run_row(database, run_id)
    return None if row is None else rows.run_record(row)


def settled(database: sqlite3.Connection, run_ids: Sequence[str]) -> dict[str, RunRecord]:
    """Those of these runs that have settled or are blocked."""
    found = database.execute(
        f"""
        SELECT {rows.RUN_COLUMNS} FROM {rows.RUN_TABLES}
        WHERE r.run_id IN (SELECT value FROM json_each(?)) AND r.status NOT IN ('running', 'waiting')
        """,
        [json.dumps(list(run_ids))],
    ).fetchall()
    return {row[0]: rows.run_record(row) for row in found}


def find_runs(database: sqlite3.Connection, prefix: str, limit: int) -> list[str]:
    """Ids that begin with a prefix."""
    # No id holds the last code point, so that everything that begins with the prefix sorts before it.
    found = database.execute(
        "SELECT run_id FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT ?",
        [prefix, f"{prefix}\U0010ffff", limit],
    ).fetchall()
    return [row[0] for row in found]


def list_runs(database: sqlite3.Connection, query: RunFilter) -> RunPage:
    """One page of runs, newest first. The cursor is the number of the last run shown, which no later run changes."""
    where, values = _conditions(query)
    found = database.execute(
        f"""
        SELECT r.id, r.run_id, r.workflow, r.status,
            (SELECT count(*) FROM steps WHERE run = r.id AND status IN ('completed', 'failed')),
            (SELECT count(*) FROM steps WHERE run = r.id AND status IN ('pending', 'running')),
            r.error, i.tags, r.created_at, r.updated_at, r.finished_at
        FROM {rows.RUN_TABLES}
        WHERE {where}
        ORDER BY r.id DESC LIMIT ?
        """,
        [*values, query.limit + 1],
    ).fetchall()
    page = found[: query.limit]
    more = len(found) > query.limit and bool(page)
    return RunPage(tuple(_summary(row) for row in page), str(page[-1][0]) if more else None)


def _conditions(query: RunFilter) -> tuple[str, list[object]]:
    conditions = ["1"]
    values: list[object] = []
    if query.workflow is not None:
        conditions.append("r.workflow = ?")
        values.append(query.workflow)
    if query.statuses:
        conditions.append("r.status IN (SELECT value FROM json_each(?))")
        values.append(json.dumps([status.value for status in query.statuses]))
    if query.tag is not None:
        conditions.append("EXISTS (SELECT 1 FROM json_each(i.tags) WHERE value = ?)")
        values.append(query.tag)
    if query.since is not None:
        conditions.append("r.created_at >= ?")
        values.append(query.since)
    if query.cursor is not None:
        conditions.append("r.id < ?")
        values.append(_place(query.cursor))
    return " AND ".join(conditions), values


def _place(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidOptionError(f"this is no cursor of a list of runs: {cursor!r}")
    return int(cursor)


def _summary(row: Row) -> RunSummary:
    return RunSummary(
        run_id=row[1],
        workflow=row[2],
        status=rows.RUN_STATUS[row[3]],
        steps_done=row[4],
        steps_open=row[5],
        error=rows.error_info(row[6]),
        tags=rows.tags(row[7]),
        created_at=row[8],
        updated_at=row[9],
        finished_at=row[10],
    )


def list_steps(database: sqlite3.Connection, run_id: str) -> list[StepRecord]:
    """The steps of a run."""
    found = database.execute(f"{_STEPS_OF} ORDER BY {rows.STEP_ORDER}", [run_id]).fetchall()
    return [rows.step_record(run_id, row) for row in found]


def get_step(database: sqlite3.Connection, run_id: str, step_name: str) -> StepRecord | None:
    """One step."""
    found = database.execute(f"{_STEPS_OF} AND s.step_name = ?", [run_id, step_name]).fetchall()
    return rows.step_record(run_id, found[0]) if found else None


def list_events(database: sqlite3.Connection, run_id: str) -> list[RunEvent]:
    """The event log of a run."""
    found = database.execute(
        """
        SELECT id, ?1, generation, type, seq, step_name, attempt, worker, at, detail FROM events
        WHERE run = (SELECT id FROM runs WHERE run_id = ?1) ORDER BY id
        """,
        [run_id],
    ).fetchall()
    return [RunEvent(*row) for row in found]


def next_due(database: sqlite3.Connection, queues: Sequence[str]) -> float | None:
    """When the earliest pending step of these queues becomes due."""
    due: float | None = database.execute(
        f"""
        SELECT min((SELECT {DUE} FROM steps WHERE queue = q.value AND status = 'pending' ORDER BY {DUE} LIMIT 1))
        FROM json_each(?) AS q
        """,
        [json.dumps(list(queues))],
    ).fetchone()[0]
    return due


def revoked(database: sqlite3.Connection, worker_id: str, claims: Sequence[StepClaim]) -> list[StepClaim]:
    """Which of these claims were cancelled or lost."""
    wanted = json.dumps(
        [(claim.run_id, claim.generation, claim.step_name, claim.epoch) for claim in claims], ensure_ascii=False
    )
    held = database.execute(
        """
        SELECT j.key FROM json_each(?) AS j
        JOIN runs AS r ON r.run_id = json_extract(j.value, '$[0]') AND r.generation = json_extract(j.value, '$[1]')
        JOIN steps AS s ON s.run = r.id AND s.step_name = json_extract(j.value, '$[2]')
        WHERE s.status = 'running' AND s.worker = ? AND s.epoch = json_extract(j.value, '$[3]')
            AND s.cancel_requested = 0
        """,
        [wanted, worker_id],
    ).fetchall()
    good = {row[0] for row in held}
    return [claim for place, claim in enumerate(claims) if place not in good]


def unqueued(database: sqlite3.Connection, now: float, older_than: float, limit: int) -> list[Job]:
    """Jobs that were never marked, or marked long ago, oldest first.

    A job that is to start later counts as lost only some time after that.
    """
    found = database.execute(
        """
        SELECT ready_at AS since, workflow, run_id, NULL, NULL, NULL FROM runs
        WHERE ready_at <= :until AND (queued_at IS NULL OR queued_at <= :lost)
        UNION ALL
        SELECT s.pending_at, r.workflow, r.run_id, s.step_name, s.queue, s.due_at
        FROM steps AS s JOIN runs AS r ON r.id = s.run
        WHERE s.status = 'pending' AND s.queue IS NOT NULL AND s.pending_at <= :until
            AND (s.queued_at IS NULL OR s.queued_at <= :lost AND coalesce(s.due_at, s.pending_at) <= :lost)
        ORDER BY since LIMIT :limit
        """,
        {"until": now - older_than, "lost": now - REOFFER_SECONDS, "limit": limit},
    ).fetchall()
    return [_job(row) for row in found]


def _job(row: Row) -> Job:
    _, workflow, run_id, step_name, queue, due_at = row
    if step_name is None:
        return Job(naming.orchestrator_queue(workflow), naming.run_task(workflow), run_id)
    return job(workflow, queue, run_id, step_name, due_at)
