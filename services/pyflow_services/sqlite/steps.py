"""How workers claim steps, and what the holder of a claim may write."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core import naming
from pyflow_core.errors import StaleLeaseError
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import Envelope, FinishedStep, Job, StepClaim, StepRetry
from pyflow_services.sqlite.rows import describe, error_text
from pyflow_services.sqlite.runs import WAKE
from pyflow_services.sqlite.writer import Operation, each

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from pyflow_core.ports.state import Settlement, StepResult
    from pyflow_services.sqlite.rows import Row
    from pyflow_services.sqlite.transaction import Transaction

DUE = "coalesce(due_at, pending_at)"
"""When a pending step may be claimed; spelt as in its index."""

# --- claims

_CLAIM = """
    UPDATE steps SET status = 'running', worker = :worker, epoch = epoch + 1, attempts = attempts + 1, due_at = NULL,
        queued_at = NULL, started_at = :now
"""
_CLAIM_COLUMNS = """
    run, step_name, rpc_name, queue, options, input_inline, input_reference, input_meta, input_context, epoch, attempts,
    deaths, inline_bytes, (
        SELECT json_array(r.run_id, r.workflow, r.generation, i.tenant)
        FROM runs AS r JOIN run_inputs AS i ON i.run = r.id WHERE r.id = steps.run
    )
"""
_CLAIMED = f"RETURNING {_CLAIM_COLUMNS}"
_LEASED = "EXISTS (SELECT 1 FROM workers WHERE worker_id = :worker)"
_CLAIM_ONE = f"""
    {_CLAIM}
    WHERE run = (SELECT id FROM runs WHERE run_id = :run_id) AND step_name = :step_name
        AND status = 'pending' AND queue IS NOT NULL AND {DUE} <= :now AND {_LEASED}
    {_CLAIMED}
"""
_CLAIM_MANY = f"""
    {_CLAIM}
    WHERE {_LEASED} AND id IN (
        SELECT id FROM steps WHERE queue = :queue AND status = 'pending' AND {DUE} <= :now ORDER BY {DUE} LIMIT :free
    )
    {_CLAIMED}
"""
_QUEUES_WITH_WORK = f"""
    SELECT q.value FROM json_each(:queues) AS q
    WHERE EXISTS (SELECT 1 FROM steps WHERE queue = q.value AND status = 'pending' AND {DUE} <= :now)
"""


class StepWanted(NamedTuple):
    """A claim of one step."""

    run_id: str
    step_name: str
    worker_id: str


class StepsWanted(NamedTuple):
    """A claim of steps of some queues."""

    worker_id: str
    slots: Mapping[str, int]


def _claim_one(transaction: Transaction, wanted: StepWanted) -> StepClaim | None:
    values = {
        "worker": wanted.worker_id,
        "now": transaction.now,
        "run_id": wanted.run_id,
        "step_name": wanted.step_name,
    }
    claims = _claims(transaction, _CLAIM_ONE, values, wanted.worker_id)
    return claims[0] if claims else None


def _claim_many(transaction: Transaction, wanted: StepsWanted) -> list[StepClaim]:
    queues = [queue for queue, free in wanted.slots.items() if free > 0]
    if len(queues) > 1:
        listed = {"queues": json.dumps(queues), "now": transaction.now}
        queues = [row[0] for row in transaction.all(_QUEUES_WITH_WORK, listed)]
    claims: list[StepClaim] = []
    for queue in queues:
        values = {"worker": wanted.worker_id, "now": transaction.now, "queue": queue, "free": wanted.slots[queue]}
        claims += _claims(transaction, _CLAIM_MANY, values, wanted.worker_id)
    return claims


CLAIM_ONE: Operation[StepWanted, StepClaim | None] = each("claim_step", _claim_one)
CLAIM_MANY: Operation[StepsWanted, list[StepClaim]] = each("claim_steps", _claim_many)


def _claims(transaction: Transaction, sql: str, values: Mapping[str, object], worker_id: str) -> list[StepClaim]:
    claims: list[StepClaim] = []
    for run, *columns in transaction.all(sql, values):
        claim = _claim_of(columns)
        claims.append(claim)
        attempts = claim.attempts
        transaction.tell(run, claim.generation, EventType.STEP_STARTED, None, claim.step_name, attempts, worker_id)
    return claims


def _claim_of(columns: Sequence[Any]) -> StepClaim:
    step_name, rpc_name, queue, options, *value, epoch, attempts, deaths, inline_bytes, of_run = columns
    run_id, workflow, generation, tenant = json.loads(of_run)
    return StepClaim(
        run_id=run_id,
        workflow=workflow,
        generation=generation,
        step_name=step_name,
        rpc_name=rpc_name,
        queue=queue,
        options=options,
        input=Envelope(*value),
        epoch=epoch,
        attempts=attempts,
        deaths=deaths,
        tenant=tenant,
        inline_bytes=inline_bytes,
    )


def held_steps(database: sqlite3.Connection, worker_id: str) -> list[StepClaim]:
    """The steps that a worker holds."""
    rows = database.execute(f"SELECT {_CLAIM_COLUMNS} FROM steps WHERE worker = ? AND status = 'running'", [worker_id])
    return [_claim_of(columns) for _, *columns in rows.fetchall()]


# --- what the holder writes

# The generation too, because an archived step's name may be asked for anew, with epochs from 1.
_HELD = """
    WHERE run = (SELECT id FROM runs WHERE run_id = :run_id AND generation = :generation) AND step_name = :step_name
        AND status = 'running' AND worker = :worker AND epoch = :epoch
"""


class StepFinish(NamedTuple):
    """A result that the holder of a claim brings."""

    claim: StepClaim
    worker_id: str
    result: StepResult


class StepFailure(NamedTuple):
    """A failed attempt that the holder of a claim reports."""

    claim: StepClaim
    worker_id: str
    retry: StepRetry


class StepRefusal(NamedTuple):
    """A claim of what its holder cannot run, and the end of its run for now."""

    claim: StepClaim
    worker_id: str
    block: Settlement


class StepRelease(NamedTuple):
    """A claim that its holder gives back."""

    claim: StepClaim
    worker_id: str


def _held(claim: StepClaim, worker_id: str, **more: object) -> dict[str, object]:
    return {
        "run_id": claim.run_id,
        "generation": claim.generation,
        "step_name": claim.step_name,
        "worker": worker_id,
        "epoch": claim.epoch,
        **more,
    }


def _lost(claim: StepClaim, worker_id: str) -> StaleLeaseError:
    return StaleLeaseError(f"worker {worker_id!r} no longer owns step {claim.step_name!r} of {claim.run_id!r}")


def _finish(transaction: Transaction, wanted: StepFinish) -> FinishedStep:
    claim, worker_id, result = wanted
    failed = result.error is not None
    values = _held(
        claim,
        worker_id,
        status="failed" if failed else "completed",
        attempts=result.attempts,
        error=error_text(result.error),
        inline=result.output.inline,
        reference=result.output.reference,
        meta=result.output.meta,
        context=result.output.context,
        finished_at=result.finished_at,
        now=transaction.now,
    )
    finished = transaction.cursor.execute(
        f"""
        UPDATE steps SET status = :status, attempts = :attempts, error = :error, output_inline = :inline,
            output_reference = :reference, output_meta = :meta, output_context = :context, due_at = NULL,
            finished_at = :finished_at, seq = (SELECT r.seq + 1 FROM runs AS r WHERE r.id = run)
        {_HELD}
        RETURNING run, seq
        """,
        values,
    ).fetchall()
    if not finished:
        raise _lost(claim, worker_id)
    run, seq = finished[0]
    transaction.refer(run, result.output)
    row = transaction.cursor.execute(
        f"UPDATE runs SET seq = :seq, takeovers = 0, updated_at = :now, {WAKE} WHERE id = :run RETURNING owner",
        {"seq": seq, "now": transaction.now, "run": run},
    ).fetchall()[0]
    kind = EventType.STEP_FAILED if failed else EventType.STEP_COMPLETED
    detail = describe(result.error)
    transaction.tell(run, claim.generation, kind, seq, claim.step_name, result.attempts, worker_id, detail)
    transaction.news = True
    return FinishedStep(seq, row[0])


# A step that was asked to stop does not go back to its queue: nobody wants it.
_GIVE_BACK = """
    UPDATE steps SET
        status = CASE cancel_requested WHEN 0 THEN 'pending' ELSE 'cancelled' END,
        finished_at = CASE cancel_requested WHEN 0 THEN NULL ELSE :now END,
        due_at = CASE cancel_requested WHEN 0 THEN :due_at END,
        worker = NULL, pending_at = :now, queued_at = NULL
"""


def _retry(transaction: Transaction, failure: StepFailure) -> None:
    claim, worker_id, retry = failure
    values = _held(claim, worker_id, now=transaction.now, due_at=retry.due_at, error=error_text(retry.error))
    row = transaction.one(f"{_GIVE_BACK}, error = :error {_HELD} RETURNING run, attempts, status", values)
    if row is None:
        raise _lost(claim, worker_id)
    _tell_given_back(transaction, claim, EventType.STEP_RETRIED, row, worker_id, describe(retry.error))


def _release(transaction: Transaction, release: StepRelease) -> None:
    claim, worker_id = release
    values = _held(claim, worker_id, now=transaction.now, due_at=None)
    row = transaction.one(f"{_GIVE_BACK}, attempts = attempts - 1 {_HELD} RETURNING run, attempts, status", values)
    if row is not None:
        _tell_given_back(transaction, claim, EventType.STEP_RELEASED, row, worker_id)


def _refuse(transaction: Transaction, refusal: StepRefusal) -> None:
    claim, worker_id, block = refusal
    values = _held(claim, worker_id, now=transaction.now, due_at=None)
    row = transaction.one(f"{_GIVE_BACK}, attempts = attempts - 1 {_HELD} RETURNING run, attempts, status", values)
    if row is None:
        raise _lost(claim, worker_id)
    _tell_given_back(transaction, claim, EventType.STEP_RELEASED, row, worker_id)
    run, _, status = row
    if status == "pending":
        transaction.cursor.execute(
            "UPDATE steps SET pending_at = NULL WHERE run = ? AND step_name = ?", [run, claim.step_name]
        )
    values = {"now": transaction.now, "run": run, "error": error_text(block.error), "code_hash": block.code_hash}
    transaction.cursor.execute(
        """
        UPDATE runs SET status = 'blocked', owner = NULL, last_owner = NULL, ready_at = NULL, queued_at = NULL,
            error = :error, blocked_hash = :code_hash, updated_at = :now
        WHERE id = :run AND status IN ('running', 'waiting')
        """,
        values,
    )
    if transaction.cursor.rowcount:
        transaction.tell(run, claim.generation, EventType.RUN_BLOCKED, worker=worker_id, detail=describe(block.error))


def _tell_given_back(
    transaction: Transaction, claim: StepClaim, kind: EventType, row: Row, worker_id: str, detail: str | None = None
) -> None:
    run, attempts, status = row
    transaction.tell(run, claim.generation, kind, None, claim.step_name, claim.attempts, worker_id, detail)
    if status == "cancelled":
        transaction.tell(run, claim.generation, EventType.STEP_CANCELLED, None, claim.step_name, attempts)
    transaction.news = True


FINISH: Operation[StepFinish, FinishedStep] = each("finish_step", _finish)
RETRY: Operation[StepFailure, None] = each("retry_step", _retry)
RELEASE: Operation[StepRelease, None] = each("release_step", _release)
REFUSE: Operation[StepRefusal, None] = each("refuse_step", _refuse)


# --- what leaves or dies with its worker


def free_all(transaction: Transaction, worker_id: str, *, died: bool) -> None:
    """Give back every running step of a worker; a death is no try, but it is counted."""
    deaths = ", deaths = deaths + 1, epoch = epoch + 1" if died else ""
    freed = transaction.cursor.execute(
        f"""
        {_GIVE_BACK}, attempts = attempts - 1 {deaths}
        WHERE status = 'running' AND worker = :worker
        RETURNING run, step_name, attempts, status, (SELECT generation FROM runs WHERE id = run)
        """,
        {"now": transaction.now, "due_at": None, "worker": worker_id},
    ).fetchall()
    kind = EventType.STEP_WORKER_LOST if died else EventType.STEP_RELEASED
    for run, step_name, attempts, status, generation in freed:
        transaction.tell(run, generation, kind, None, step_name, attempts + 1, worker_id)
        if status == "cancelled":
            transaction.tell(run, generation, EventType.STEP_CANCELLED, None, step_name, attempts)
        transaction.news = True


# --- the outbox


def _mark_queued(transaction: Transaction, jobs: Sequence[Job]) -> None:
    now = transaction.now
    transaction.cursor.executemany(
        """
        UPDATE steps SET queued_at = ?
        WHERE run = (SELECT id FROM runs WHERE run_id = ?) AND step_name = ? AND status = 'pending'
        """,
        [(now, job.run_id, job.step_name) for job in jobs if job.step_name is not None],
    )
    transaction.cursor.executemany(
        "UPDATE runs SET queued_at = ? WHERE run_id = ? AND ready_at IS NOT NULL",
        [(now, job.run_id) for job in jobs if job.step_name is None],
    )


MARK_QUEUED: Operation[Sequence[Job], None] = each("mark_queued", _mark_queued)


def job(workflow: str, queue: str, run_id: str, step_name: str, due_at: float | None) -> Job:
    """The job of a pending step; its task is named by the literal or pattern, which its queue tells."""
    literal_or_pattern = queue.removeprefix(naming.step_queue(workflow, ""))
    return Job(queue, naming.step_task(workflow, literal_or_pattern), run_id, step_name, due_at)
