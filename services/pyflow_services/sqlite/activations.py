"""One turn of each of many executions, in a handful of statements for all of them.

Every statement here works on the rows of all turns of a transaction. The fence is the first: an update of the run that
is conditional on its owner and epoch and, when `exact`, on its number, and that takes the numbers, parks and settles at
once. Turns whose fence does not hold are answered and left out of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.errors import OvertakenError, StaleLeaseError
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import Activation, Committed, RunStatus, StepForm
from pyflow_services.sqlite.bulk import Bulk
from pyflow_services.sqlite.rows import describe, error_text
from pyflow_services.sqlite.writer import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyflow_core.errors import StoreError
    from pyflow_core.ports.state import InlineRetry, NewStep, Settlement, StepResult
    from pyflow_services.sqlite.rows import Row
    from pyflow_services.sqlite.transaction import Transaction

SETTLEMENT_EVENTS = {
    RunStatus.COMPLETED: EventType.RUN_COMPLETED,
    RunStatus.FAILED: EventType.RUN_FAILED,
    RunStatus.CANCELLED: EventType.RUN_CANCELLED,
    RunStatus.BLOCKED: EventType.RUN_BLOCKED,
}

_FENCE = """
    FROM ({values}) AS v
    WHERE runs.run_id = v.column1 AND runs.owner = v.column2 AND runs.epoch = v.column3
        AND (v.column4 IS NULL OR runs.seq = v.column4)
    RETURNING run_id, id, seq, generation, owner
"""
_TAKE = """
    UPDATE runs SET
        seq = runs.seq + v.column5,
        takeovers = CASE v.column5 WHEN 0 THEN takeovers ELSE 0 END,
        updated_at = v.column6
"""
# Three statements, because each index over a column that an update names costs, changed or not.
_STAY = Bulk(_TAKE + _FENCE, 6)
_PARK = Bulk(
    _TAKE
    + """,
        owner = CASE runs.seq + v.column5 WHEN v.column7 THEN NULL ELSE owner END,
        status = CASE runs.seq + v.column5 WHEN v.column7 THEN 'waiting' ELSE status END,
        last_owner = owner
    """
    + _FENCE,
    7,
)
_SETTLE = Bulk(
    _TAKE
    + """,
        owner = NULL, last_owner = NULL, status = v.column7, finished_at = v.column8, error = v.column9,
        output_inline = v.column10, output_reference = v.column11, output_meta = v.column12,
        output_context = v.column13, blocked_hash = v.column14
    """
    + _FENCE,
    14,
)

_FINISH_RPC = Bulk(
    """
    UPDATE steps SET
        status = v.column5, seq = v.column6, attempts = v.column7, error = v.column8, output_inline = v.column9,
        output_reference = v.column10, output_meta = v.column11, output_context = v.column12, due_at = NULL,
        finished_at = v.column13
    FROM ({values}) AS v
    WHERE steps.run = v.column1 AND steps.step_name = v.column2 AND steps.status = 'running'
        AND steps.worker = v.column3 AND steps.epoch = v.column4
    """,
    13,
)
_FINISH_INLINE = Bulk(
    """
    INSERT INTO steps (
        run, step_name, description, options, output_inline, output_reference, output_meta, output_context, error,
        status, asked_at, seq, attempts, worker, scheduled_at, started_at, finished_at
    ) {values}
    ON CONFLICT (run, step_name) DO UPDATE SET
        output_inline = excluded.output_inline, output_reference = excluded.output_reference,
        output_meta = excluded.output_meta, output_context = excluded.output_context, error = excluded.error,
        status = excluded.status, seq = excluded.seq, attempts = excluded.attempts, worker = excluded.worker,
        due_at = NULL, started_at = excluded.started_at, finished_at = excluded.finished_at
    WHERE steps.form = 'inline' AND steps.status = 'pending'
    """,
    17,
)
# The same for the ordinary result: a value, and nothing else. Each column that is bound costs.
_FINISH_INLINE_PLAINLY = Bulk(
    """
    INSERT INTO steps (
        run, step_name, description, options, output_inline, asked_at, seq, attempts, worker, scheduled_at, started_at,
        finished_at
    ) {values}
    ON CONFLICT (run, step_name) DO UPDATE SET
        output_inline = excluded.output_inline, error = NULL, status = excluded.status, seq = excluded.seq,
        attempts = excluded.attempts, worker = excluded.worker, due_at = NULL, started_at = excluded.started_at,
        finished_at = excluded.finished_at
    WHERE steps.form = 'inline' AND steps.status = 'pending'
    """,
    12,
)
_RETRY_INLINE = Bulk(
    """
    INSERT INTO steps (
        run, step_name, description, options, error, status, asked_at, attempts, due_at, scheduled_at
    ) {values}
    ON CONFLICT (run, step_name) DO UPDATE SET
        error = excluded.error, attempts = excluded.attempts, due_at = excluded.due_at
    WHERE steps.form = 'inline' AND steps.status = 'pending'
    """,
    10,
)
_ASK = Bulk(
    """
    INSERT INTO steps (
        run, step_name, form, rpc_name, queue, description, options, input_inline, input_reference, input_meta,
        input_context, input_sha256, inline_bytes, status, asked_at, attempts, worker, epoch, pending_at, scheduled_at,
        started_at
    ) {values}
    ON CONFLICT (run, step_name) DO NOTHING
    """,
    21,
)
_CANCEL = Bulk(
    """
    UPDATE steps SET
        status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
        finished_at = CASE status WHEN 'pending' THEN v.column4 ELSE finished_at END,
        cancel_requested = 1,
        dropped_at = v.column3
    FROM ({values}) AS v
    WHERE steps.run = v.column1 AND steps.step_name = v.column2 AND steps.status IN ('pending', 'running')
        AND steps.cancel_requested = 0
    RETURNING run, step_name, status, attempts
    """,
    4,
)
_CANCEL_OPEN = Bulk(
    """
    UPDATE steps SET status = 'cancelled', due_at = NULL, finished_at = v.column2
    FROM ({values}) AS v
    WHERE steps.run = v.column1 AND steps.status IN ('pending', 'running')
    RETURNING run, step_name, attempts
    """,
    2,
)


def _commit(transaction: Transaction, turns: Sequence[Activation]) -> list[Committed | StoreError]:
    answers: dict[int, Committed | StoreError] = {}
    for group in _one_turn_a_run(turns):
        _Group(transaction, answers).write(group)
    return [answers[id(turn)] for turn in turns]


COMMIT: Operation[Activation, Committed] = Operation("commit", _commit)


def _one_turn_a_run(turns: Sequence[Activation]) -> Iterator[Sequence[Activation]]:
    """A statement changes a row once, so that two turns of one run must not meet in it."""
    if len({turn.run_id for turn in turns}) == len(turns):
        yield turns
        return
    rest = list(turns)
    while rest:
        first: dict[str, Activation] = {}
        later = [turn for turn in rest if first.setdefault(turn.run_id, turn) is not turn]
        yield list(first.values())
        rest = later


class _Group:
    """Turns of different runs, written together; their rows are collected by statement."""

    def __init__(self, transaction: Transaction, answers: dict[int, Committed | StoreError]) -> None:
        self._transaction = transaction
        self._now = transaction.now
        self._answers = answers
        self._rpc_results: list[Row] = []
        self._inline_results: list[Row] = []
        self._plain_results: list[Row] = []
        self._retries: list[Row] = []
        self._asks: list[Row] = []
        self._cancels: list[Row] = []
        self._ends: list[Row] = []
        self._generations: dict[int, int] = {}

    def write(self, turns: Sequence[Activation]) -> None:
        """Write the turns whose fence holds, and answer all."""
        fenced = self._fence(turns)
        for turn in turns:
            run = fenced.get(turn.run_id)
            if run is None:
                self._answers[id(turn)] = _refusal(self._transaction, turn)
            else:
                self._collect(turn, run)
        self._write_steps()

    def _fence(self, turns: Sequence[Activation]) -> dict[str, Row]:
        stay: list[Row] = []
        park: list[Row] = []
        end: list[Row] = []
        for turn in turns:
            taken = len(turn.results)
            must_be = turn.delivered if turn.exact else None
            fence = (turn.run_id, turn.worker_id, turn.epoch, must_be, taken, self._now)
            if turn.settle is not None:
                end.append(fence + _settlement_values(turn.settle, self._now))
            elif turn.park:
                park.append((*fence, _fed(turn)))
            else:
                stay.append(fence)
        cursor = self._transaction.cursor
        found = _STAY.fetch(cursor, stay) + _PARK.fetch(cursor, park) + _SETTLE.fetch(cursor, end)
        return {row[0]: row for row in found}

    def _collect(self, turn: Activation, row: Row) -> None:
        _, run, seq, generation, owner = row
        number = seq - len(turn.results)
        for result in turn.results:
            number += 1
            self._collect_result(turn, run, generation, number, result)
        for retry in turn.retries:
            self._collect_retry(turn, run, generation, retry)
        for ask in turn.asks:
            self._collect_ask(turn, run, generation, ask)
        if turn.cancels:
            self._generations[run] = generation
            self._cancels += [(run, name, _fed(turn), self._now) for name in turn.cancels]
        parked = turn.park and turn.settle is None and owner is None
        if turn.settle is not None:
            self._collect_end(turn, run, generation, turn.settle)
        elif parked:
            self._transaction.tell(run, generation, EventType.RUN_PARKED, worker=turn.worker_id)
        self._answers[id(turn)] = Committed(seq, parked)

    def _collect_result(self, turn: Activation, run: int, generation: int, number: int, result: StepResult) -> None:
        name, attempts, output, error = result.step_name, result.attempts, result.output, result.error
        status, text = "completed", None
        kind, detail = EventType.STEP_COMPLETED, None
        if error is not None:
            status, text = "failed", error_text(error)
            kind, detail = EventType.STEP_FAILED, describe(error)
        about = (run, name, result.description, result.options)
        taken = (result.asked_at, number, attempts, turn.worker_id)
        times = (result.started_at, result.started_at, result.finished_at)
        if result.form is StepForm.RPC:
            self._rpc_results.append(
                (run, name, turn.worker_id, result.epoch, status, number, attempts, text, *output, result.finished_at)
            )
        elif error is None and output.reference is None and output.meta is None and output.context is None:
            self._plain_results.append((*about, output.inline, *taken, *times))
        else:
            self._inline_results.append((*about, *output, text, status, *taken, *times))
        self._transaction.refer(run, output)
        self._transaction.tell(run, generation, kind, number, name, attempts, turn.worker_id, detail)

    def _collect_retry(self, turn: Activation, run: int, generation: int, retry: InlineRetry) -> None:
        name, attempts, error = retry.step_name, retry.attempts, retry.error
        about = (run, name, retry.description, retry.options)
        self._retries.append((*about, error_text(error), "pending", retry.asked_at, attempts, retry.due_at, self._now))
        self._transaction.tell(
            run, generation, EventType.STEP_RETRIED, None, name, attempts, turn.worker_id, describe(error)
        )

    def _collect_ask(self, turn: Activation, run: int, generation: int, ask: NewStep) -> None:
        now = self._now
        born = ("running", ask.asked_at, 1, turn.worker_id, 1, None, now, now)
        waits = ("pending", ask.asked_at, 0, None, 0, now, now, None)
        about = (run, ask.step_name, "rpc", ask.rpc_name, ask.queue, ask.description, ask.options)
        value = (*ask.input, ask.input_sha256, ask.inline_bytes)
        self._asks.append((*about, *value, *(born if ask.claimed else waits)))
        self._transaction.refer(run, ask.input)
        tell = self._transaction.tell
        tell(run, generation, EventType.STEP_SCHEDULED, None, ask.step_name, 0)
        if ask.claimed:
            tell(run, generation, EventType.STEP_STARTED, None, ask.step_name, 1, turn.worker_id)
        else:
            self._transaction.news = True

    def _collect_end(self, turn: Activation, run: int, generation: int, end: Settlement) -> None:
        # Whoever waits in this process is told by the worker: only others need to hear of it.
        self._transaction.ended = True
        self._transaction.refer(run, end.output)
        if end.status.settled:
            self._generations[run] = generation
            self._ends.append((run, self._now))
        self._transaction.tell(
            run, generation, SETTLEMENT_EVENTS[end.status], worker=turn.worker_id, detail=describe(end.error)
        )

    def _write_steps(self) -> None:
        cursor = self._transaction.cursor
        written = (
            (_FINISH_RPC, self._rpc_results),
            (_FINISH_INLINE, self._inline_results),
            (_FINISH_INLINE_PLAINLY, self._plain_results),
            (_RETRY_INLINE, self._retries),
            (_ASK, self._asks),
        )
        for statement, rows in written:
            # Which of them is stale is not known here: the writer runs each turn alone then, and that one is refused.
            if rows and statement.execute(cursor, rows) != len(rows):
                raise StaleLeaseError("a step is no longer as the worker knew it, so nothing was written")
        for run, name, status, attempts in _CANCEL.fetch(cursor, self._cancels):
            self._transaction.news = True
            kind = EventType.STEP_CANCELLED if status == "cancelled" else EventType.STEP_STOP_REQUESTED
            self._transaction.tell(run, self._generations[run], kind, None, name, attempts)
        cancel_open(self._transaction, self._ends, self._generations)


def cancel_open(transaction: Transaction, ends: Sequence[Row], generations: dict[int, int]) -> None:
    """Cancel every open step of runs that have ended; `ends` are pairs of a run and the time."""
    for run, name, attempts in _CANCEL_OPEN.fetch(transaction.cursor, ends):
        transaction.tell(run, generations[run], EventType.STEP_CANCELLED, None, name, attempts)


def _fed(turn: Activation) -> int:
    """The number up to which the execution will have been fed when this turn is committed."""
    return turn.delivered + (len(turn.results) if turn.exact else 0)


def _settlement_values(end: Settlement, now: float) -> Row:
    blocked = end.status is RunStatus.BLOCKED
    ended = (end.status.value, None if blocked else now, error_text(end.error))
    return (*ended, *end.output, end.code_hash if blocked else None)


def _refusal(transaction: Transaction, turn: Activation) -> StoreError:
    row = transaction.one("SELECT owner, epoch, seq FROM runs WHERE run_id = ?", [turn.run_id])
    if row is not None and row[:2] == (turn.worker_id, turn.epoch):
        return OvertakenError(f"run {turn.run_id!r} is at {row[2]}, its execution at {turn.delivered}")
    return StaleLeaseError(f"worker {turn.worker_id!r} no longer owns run {turn.run_id!r}")
