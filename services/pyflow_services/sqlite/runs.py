"""What callers and operators do to runs, and how orchestrators claim them."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import LAST_OWNER_HEAD_START_SECONDS, CreatedRun, EntryType, RunClaim, RunStatus
from pyflow_services.sqlite import rows
from pyflow_services.sqlite.activations import SETTLEMENT_EVENTS, cancel_open
from pyflow_services.sqlite.bulk import Bulk
from pyflow_services.sqlite.writer import Operation, each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyflow_core.errors import StoreError
    from pyflow_core.ports.state import NewRun, ParkedRun
    from pyflow_services.sqlite.rows import Row
    from pyflow_services.sqlite.transaction import Transaction

# --- creation


class Birth(NamedTuple):
    """A run that is to be created, and for whom."""

    run: NewRun
    claim_for: str | None


_CREATE = Bulk(
    """
    INSERT INTO runs (run_id, workflow, status, owner, epoch, ready_at, created_at, updated_at) {values}
    ON CONFLICT (run_id) DO NOTHING
    RETURNING run_id, id, owner
    """,
    8,
)
_CREATE_INPUT = Bulk(
    """
    INSERT INTO run_inputs (
        run, input_inline, input_reference, input_meta, input_context, code_hash, tags, actor, tenant
    ) {values}
    """,
    9,
)


def _create(transaction: Transaction, births: Sequence[Birth]) -> list[CreatedRun | StoreError]:
    # A worker without a lease would own it for ever, because nobody would reap that worker.
    leased = {birth.claim_for for birth in births if birth.claim_for is not None}
    if leased:
        found = transaction.all(
            "SELECT worker_id FROM workers WHERE worker_id IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(leased))],
        )
        leased &= {row[0] for row in found}
    created = {
        row[0]: row
        for row in _CREATE.fetch(transaction.cursor, [_new_run(birth, leased, transaction.now) for birth in births])
    }
    inputs: list[Row] = []
    answers: list[CreatedRun | StoreError] = []
    for birth in births:
        row = created.pop(birth.run.run_id, None)
        answers.append(_known(transaction, birth) if row is None else _enter(transaction, birth, row, inputs))
    _CREATE_INPUT.execute(transaction.cursor, inputs)
    return answers


CREATE: Operation[Birth, CreatedRun] = Operation("create_run", _create)


def _new_run(birth: Birth, leased: set[str], now: float) -> Row:
    run, owner = birth.run, birth.claim_for
    owned = (owner, 1, None) if owner in leased else (None, 0, now)
    return (run.run_id, run.workflow, "running", *owned, now, now)


def _enter(transaction: Transaction, birth: Birth, row: Row, inputs: list[Row]) -> CreatedRun:
    run = birth.run
    _, key, owner = row
    tags = json.dumps(run.tags, ensure_ascii=False) if run.tags else "[]"
    inputs.append((key, *run.input, run.code_hash, tags, run.actor, run.tenant))
    transaction.refer(key, run.input)
    transaction.tell(key, 1, EventType.RUN_CREATED)
    if owner is None:
        transaction.news = True
    else:
        transaction.tell(key, 1, EventType.RUN_CLAIMED, worker=owner)
    epoch = None if owner is None else 1
    return CreatedRun(
        run.run_id, run.workflow, RunStatus.RUNNING, created=True, epoch=epoch, created_at=transaction.now
    )


def _known(transaction: Transaction, birth: Birth) -> CreatedRun:
    (row,) = transaction.all(
        "SELECT run_id, workflow, status, created_at FROM runs WHERE run_id = ?", [birth.run.run_id]
    )
    return CreatedRun(row[0], row[1], rows.RUN_STATUS[row[2]], created=False, epoch=None, created_at=row[3])


# --- claims

_CLAIM = """
    UPDATE runs SET owner = :worker, epoch = epoch + 1, status = 'running', ready_at = NULL, queued_at = NULL,
        updated_at = :now
"""
_CLAIMED = "RETURNING id, run_id, workflow, epoch, generation"
_CLAIM_ONE = f"""
    {_CLAIM}
    WHERE run_id = :run_id AND ready_at IS NOT NULL
        AND EXISTS (SELECT 1 FROM workers WHERE worker_id = :worker)
    {_CLAIMED}
"""
# The inner limit is for each workflow, so that each is a short walk along its index.
_CLAIM_MANY = f"""
    {_CLAIM}
    WHERE EXISTS (SELECT 1 FROM workers WHERE worker_id = :worker) AND id IN (
        SELECT r.id
        FROM json_each(:workflows) AS w JOIN runs AS r ON r.id IN (
            SELECT x.id FROM runs AS x
            WHERE x.workflow = w.value AND x.ready_at IS NOT NULL
                AND (
                    x.last_owner IS NULL OR x.last_owner = :worker OR x.ready_at <= :others
                    OR NOT EXISTS (SELECT 1 FROM workers WHERE worker_id = x.last_owner)
                )
            ORDER BY x.ready_at LIMIT :limit
        )
        ORDER BY r.ready_at, r.id LIMIT :limit
    )
    {_CLAIMED}
"""


class RunWanted(NamedTuple):
    """A claim of one run."""

    run_id: str
    worker_id: str
    parked: Mapping[str, ParkedRun]


class RunsWanted(NamedTuple):
    """A claim of ready runs of some workflows."""

    worker_id: str
    workflows: Sequence[str]
    limit: int
    parked: Mapping[str, ParkedRun]


def _claim_one(transaction: Transaction, wanted: RunWanted) -> RunClaim | None:
    values = {"worker": wanted.worker_id, "now": transaction.now, "run_id": wanted.run_id}
    claimed = transaction.cursor.execute(_CLAIM_ONE, values).fetchall()
    claims = _claims(transaction, claimed, wanted.worker_id, wanted.parked)
    return claims[0] if claims else None


def _claim_many(transaction: Transaction, wanted: RunsWanted) -> list[RunClaim]:
    if wanted.limit < 1:
        return []
    values = {
        "worker": wanted.worker_id,
        "now": transaction.now,
        "workflows": json.dumps(list(wanted.workflows)),
        "others": transaction.now - LAST_OWNER_HEAD_START_SECONDS,
        "limit": wanted.limit,
    }
    claimed = transaction.cursor.execute(_CLAIM_MANY, values).fetchall()
    return _claims(transaction, claimed, wanted.worker_id, wanted.parked)


CLAIM_ONE: Operation[RunWanted, RunClaim | None] = each("claim_run", _claim_one)
CLAIM_MANY: Operation[RunsWanted, list[RunClaim]] = each("claim_runs", _claim_many)


def _claims(
    transaction: Transaction, claimed: Sequence[Row], worker_id: str, parked: Mapping[str, ParkedRun]
) -> list[RunClaim]:
    after: dict[int, int] = {}
    for key, run_id, _, epoch, generation in claimed:
        transaction.tell(key, generation, EventType.RUN_CLAIMED, worker=worker_id)
        cached = parked.get(run_id)
        if cached is not None and cached.epoch == epoch - 1:
            after[key] = cached.delivered
    fresh = _fresh(transaction, after)
    replays = _histories(transaction, [row[0] for row in claimed if row[0] not in after])
    claims: list[RunClaim] = []
    for key, run_id, workflow, epoch, generation in claimed:
        if key in after:
            steps, entries = fresh[key]
            news = rows.in_order(run_id, steps, entries)
            claims.append(RunClaim(run_id, workflow, epoch, generation, after[key], news, None))
        else:
            row, steps = replays[key]
            claims.append(RunClaim(run_id, workflow, epoch, generation, None, (), rows.history(row, steps)))
    return claims


def _fresh(transaction: Transaction, after: dict[int, int]) -> dict[int, tuple[list[Row], list[Row]]]:
    """For each run, its steps and entries with a number above the one given."""
    found: dict[int, tuple[list[Row], list[Row]]] = {key: ([], []) for key in after}
    if not after:
        return found
    places = json.dumps(list(after.items()))
    steps = transaction.all(
        f"""
        SELECT {rows.STEP_COLUMNS} FROM json_each(?) AS j
        JOIN steps AS s ON s.run = json_extract(j.value, '$[0]') AND s.seq > json_extract(j.value, '$[1]')
        """,
        [places],
    )
    for step in steps:
        found[step[0]][0].append(step)
    entries = transaction.all(
        """
        SELECT e.run, e.seq, e.type, e.at FROM json_each(?) AS j
        JOIN entries AS e ON e.run = json_extract(j.value, '$[0]') AND e.seq > json_extract(j.value, '$[1]')
        """,
        [places],
    )
    for run, *entry in entries:
        found[run][1].append(tuple(entry))
    return found


def _histories(transaction: Transaction, keys: Sequence[int]) -> dict[int, tuple[Row, list[Row]]]:
    """For each run, its row and its steps."""
    if not keys:
        return {}
    listed = json.dumps(list(keys))
    runs = transaction.all(
        f"SELECT {rows.RUN_COLUMNS} FROM {rows.RUN_TABLES} WHERE r.id IN (SELECT value FROM json_each(?))", [listed]
    )
    found: dict[int, tuple[Row, list[Row]]] = {row[rows.RUN_KEY]: (row, []) for row in runs}
    steps = transaction.all(
        f"""
        SELECT {rows.STEP_COLUMNS} FROM steps AS s
        WHERE s.run IN (SELECT value FROM json_each(?)) ORDER BY {rows.STEP_ORDER}
        """,
        [listed],
    )
    for step in steps:
        found[step[0]][1].append(step)
    return found


# --- what callers and operators ask for


def _request_cancel(transaction: Transaction, run_id: str) -> RunStatus | None:
    row = transaction.one("SELECT id, status, generation FROM runs WHERE run_id = ?", [run_id])
    if row is None:
        return None
    key, text, generation = row
    status = rows.RUN_STATUS[text]
    if status is RunStatus.BLOCKED:
        _cancel_blocked(transaction, key, generation)
    elif not status.settled:
        _enter_cancel(transaction, key, generation)
    return status


REQUEST_CANCEL: Operation[str, RunStatus | None] = each("request_cancel", _request_cancel)


def _enter_cancel(transaction: Transaction, key: int, generation: int) -> None:
    row = transaction.one(
        f"""
        UPDATE runs SET seq = seq + 1, takeovers = 0, updated_at = :now, {WAKE}
        WHERE id = :run AND NOT EXISTS (SELECT 1 FROM entries WHERE run = :run AND type = 'cancel')
        RETURNING seq
        """,
        {"now": transaction.now, "run": key},
    )
    if row is None:
        return
    transaction.cursor.execute(
        "INSERT INTO entries (run, seq, type, at) VALUES (?, ?, ?, ?)",
        (key, row[0], EntryType.CANCEL.value, transaction.now),
    )
    transaction.tell(key, generation, EventType.RUN_CANCEL_REQUESTED, row[0])
    transaction.news = True


WAKE = """
    ready_at = CASE status WHEN 'waiting' THEN :now ELSE ready_at END,
    queued_at = CASE status WHEN 'waiting' THEN NULL ELSE queued_at END,
    status = CASE status WHEN 'waiting' THEN 'running' ELSE status END
"""
"""A parked run becomes ready; one that is owned, ready or blocked stays as it is."""


def _cancel_blocked(transaction: Transaction, key: int, generation: int) -> None:
    transaction.cursor.execute(
        """
        UPDATE runs SET status = 'cancelled', error = NULL, blocked_hash = NULL, updated_at = :now, finished_at = :now
        WHERE id = :run
        """,
        {"now": transaction.now, "run": key},
    )
    transaction.tell(key, generation, SETTLEMENT_EVENTS[RunStatus.CANCELLED])
    cancel_open(transaction, [(key, transaction.now)], {key: generation})
    transaction.news = True


_MAKE_READY = """
    UPDATE runs SET status = 'running', ready_at = :now, queued_at = NULL, updated_at = :now, error = NULL,
        blocked_hash = NULL, takeovers = 0
"""


class Unblocking(NamedTuple):
    """Runs of a workflow that were blocked under other code than this."""

    workflow: str
    code_hash: str


def _unblock(transaction: Transaction, wanted: Unblocking) -> int:
    found = transaction.cursor.execute(
        f"""
        {_MAKE_READY}
        WHERE workflow = :workflow AND status = 'blocked' AND blocked_hash IS NOT :code_hash
        RETURNING id, generation
        """,
        {"now": transaction.now, "workflow": wanted.workflow, "code_hash": wanted.code_hash},
    ).fetchall()
    for key, generation in found:
        _tell_unblocked(transaction, key, generation)
    return len(found)


UNBLOCK: Operation[Unblocking, int] = each("unblock", _unblock)


def unblock_one(transaction: Transaction, key: int, generation: int) -> None:
    """Make a blocked run ready, in the same generation."""
    transaction.cursor.execute(f"{_MAKE_READY} WHERE id = :run", {"now": transaction.now, "run": key})
    _tell_unblocked(transaction, key, generation)


def _tell_unblocked(transaction: Transaction, key: int, generation: int) -> None:
    # Steps that were refused by whoever had claimed them wait for this moment.
    transaction.cursor.execute(
        """
        UPDATE steps SET pending_at = ?
        WHERE run = ? AND status = 'pending' AND form = 'rpc' AND pending_at IS NULL
        """,
        [transaction.now, key],
    )
    transaction.tell(key, generation, EventType.RUN_UNBLOCKED)
    transaction.news = True
