"""Opening a run again: what is tried again, what is archived, what stays.

Everything turns on one number: that under which what ended the run had been entered. What had been asked for before it
stays; what was asked for because of it goes to the archive.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always bound

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import Redriven, RedrivePlan
from pyflow_services.sqlite.rows import error_info
from pyflow_services.sqlite.runs import unblock_one
from pyflow_services.sqlite.writer import Operation, each

if TYPE_CHECKING:
    import sqlite3

    from pyflow_services.sqlite.transaction import Transaction

_NEVER = sys.maxsize
"""Beyond every number: nothing that was recorded ended the run."""

_ARCHIVE_COLUMNS = """
    run, {generation}, step_name, form, rpc_name, queue, description, options, input_inline, input_reference,
    input_meta, input_context, input_sha256, output_inline, output_reference, output_meta, output_context, error,
    status, asked_at, seq, attempts, deaths, scheduled_at, started_at, finished_at
"""


class _Cut(NamedTuple):
    """Where the history of a run is cut."""

    run: int
    status: str
    generation: int
    number: int
    retried: str | None
    archived: tuple[str, ...]
    completed: tuple[str, ...]


def _cut(cursor: sqlite3.Cursor, run_id: str) -> _Cut | None:
    rows = cursor.execute(
        """
        SELECT id, status, generation, error FROM runs
        WHERE run_id = ? AND status IN ('failed', 'cancelled', 'blocked') AND purging_at IS NULL
        """,
        [run_id],
    ).fetchall()
    if not rows:
        return None
    run, status, generation, error = rows[0]
    number, retried = _ending(cursor, run, status, error)
    archived = cursor.execute(
        "SELECT step_name, status FROM steps WHERE run = ? AND asked_at >= ? ORDER BY asked_at, scheduled_at, id",
        [run, number],
    ).fetchall()
    return _Cut(
        run,
        status,
        generation,
        number,
        retried,
        tuple(row[0] for row in archived),
        tuple(row[0] for row in archived if row[1] == "completed"),
    )


def _ending(cursor: sqlite3.Cursor, run: int, status: str, error: str | None) -> tuple[int, str | None]:
    """The number of what ended the run, and the step if it was one."""
    info = error_info(error)
    if status == "failed" and info is not None and info.step_name is not None:
        found = cursor.execute(
            "SELECT seq FROM steps WHERE run = ? AND step_name = ? AND status = 'failed'", [run, info.step_name]
        ).fetchall()
        if found:
            return found[0][0], info.step_name
    if status == "cancelled":
        found = cursor.execute("SELECT min(seq) FROM entries WHERE run = ?", [run]).fetchall()
        if found[0][0] is not None:
            return found[0][0], None
    return _NEVER, None


def plan(database: sqlite3.Connection, run_id: str) -> RedrivePlan | None:
    """What a re-drive would do."""
    database.execute("BEGIN")
    try:
        cut = _cut(database.cursor(), run_id)
    finally:
        database.execute("COMMIT")
    return None if cut is None else RedrivePlan(cut.retried, cut.archived, cut.completed)


def _redrive(transaction: Transaction, run_id: str) -> Redriven | None:
    cut = _cut(transaction.cursor, run_id)
    if cut is None:
        return None
    if cut.status == "blocked":
        unblock_one(transaction, cut.run, cut.generation)
        return Redriven(cut.generation, None, ())
    _archive(transaction, cut)
    _try_again(transaction, cut)
    _open_run(transaction, cut)
    transaction.tell(cut.run, cut.generation + 1, EventType.RUN_REDRIVEN, detail=cut.retried)
    transaction.news = True
    return Redriven(cut.generation + 1, cut.retried, cut.archived)


REDRIVE: Operation[str, Redriven | None] = each("redrive", _redrive)


def _archive(transaction: Transaction, cut: _Cut) -> None:
    where = {"run": cut.run, "number": cut.number, "generation": cut.generation}
    transaction.cursor.execute(
        f"""
        INSERT INTO steps_archive ({_ARCHIVE_COLUMNS.format(generation="generation")})
        SELECT {_ARCHIVE_COLUMNS.format(generation=":generation")} FROM steps
        WHERE run = :run AND asked_at >= :number
        """,
        where,
    )
    transaction.cursor.execute("DELETE FROM steps WHERE run = :run AND asked_at >= :number", where)
    transaction.cursor.execute("DELETE FROM entries WHERE run = :run AND seq >= :number", where)


def _try_again(transaction: Transaction, cut: _Cut) -> None:
    """The failed step, what failed after it, and what was cancelled because of it.

    What the workflow itself had cancelled before stays cancelled, as its code will find it again. The epoch stays, so
    that whoever held the step in the old generation cannot write.
    """
    transaction.cursor.execute(
        """
        UPDATE steps SET status = 'pending', seq = NULL, attempts = 0, deaths = 0, worker = NULL, error = NULL,
            output_inline = NULL, output_reference = NULL, output_meta = NULL, output_context = NULL,
            cancel_requested = 0, dropped_at = NULL, due_at = NULL, pending_at = :now, queued_at = NULL,
            started_at = NULL, finished_at = NULL
        WHERE run = :run AND (
            status = 'failed' AND seq >= :number
            OR status = 'cancelled' AND (dropped_at IS NULL OR dropped_at >= :number)
        )
        """,
        {"run": cut.run, "number": cut.number, "now": transaction.now},
    )


def _open_run(transaction: Transaction, cut: _Cut) -> None:
    # The run's number is that of the last thing that stays, because so far a replay can be fed.
    transaction.cursor.execute(
        """
        UPDATE runs SET status = 'running', generation = generation + 1, epoch = epoch + 1, takeovers = 0,
            seq = coalesce((
                SELECT max(seq) FROM (
                    SELECT max(seq) AS seq FROM steps WHERE run = :run AND seq IS NOT NULL
                    UNION ALL SELECT max(seq) FROM entries WHERE run = :run
                )
            ), 0),
            last_owner = NULL, ready_at = :now, queued_at = NULL, error = NULL, output_inline = NULL,
            output_reference = NULL, output_meta = NULL, output_context = NULL, updated_at = :now, finished_at = NULL
        WHERE id = :run
        """,
        {"run": cut.run, "now": transaction.now},
    )
