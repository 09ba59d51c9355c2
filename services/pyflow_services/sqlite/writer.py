"""Group commit: one connection writes, and all operations that are ready together share a transaction.

The operations of one turn of the event loop are handed over together, with one hop to the connection's thread and one
hop back; what is queued meanwhile goes with the next. An answer is given only after COMMIT.

An operation is *fence first*: its first statement is the conditional one, and when that changes no row, nothing of it
is written. One that fails after it has written takes the transaction down, and the members run again one by one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pyflow_core.errors import CommitUnknownError, StoreError, StoreUnavailableError
from pyflow_services.sqlite.failure import failed_write, is_full, is_store_failure, refused_row
from pyflow_services.sqlite.log_file import give_back, lengthen
from pyflow_services.sqlite.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pyflow_services.sqlite.connection import ThreadConnection

LENGTHEN_AFTER_COMMITS = 20
"""A process that writes so often will go on; one that writes less leaves the log as it is."""

A = TypeVar("A")
R = TypeVar("R")


class Operation(Generic[A, R]):
    """A named function over the arguments of all its calls in a transaction; a call may be answered by an error.

    An error that is *answered* says that nothing of that call was written. An error that is *raised* rolls back.
    """

    __slots__ = ("counted", "name", "run")

    def __init__(
        self, name: str, run: Callable[[Transaction, Sequence[A]], Sequence[R | StoreError]], *, counted: bool = True
    ) -> None:
        self.name = name
        self.run = run
        self.counted = counted


def each(name: str, run: Callable[[Transaction, A], R], *, counted: bool = True) -> Operation[A, R]:
    """An operation whose calls run one after the other; a refusal raised before anything is written is the answer."""

    def run_all(transaction: Transaction, arguments: Sequence[A]) -> list[R | StoreError]:
        return [_answer(transaction, run, argument) for argument in arguments]

    return Operation(name, run_all, counted=counted)


def _answer(transaction: Transaction, run: Callable[[Transaction, A], R], argument: A) -> R | StoreError:
    database = transaction.cursor.connection
    before = database.total_changes
    try:
        return run(transaction, argument)
    except StoreError as refusal:
        if database.total_changes != before:
            raise
        return refusal


class _FaultError(Exception):
    """A test's fault, on its way to the callers."""

    def __init__(self, injected: Exception) -> None:
        super().__init__(injected)
        self.injected = injected


@dataclass(slots=True, eq=False)
class _Call:
    operation: Operation[Any, Any]
    argument: Any
    future: asyncio.Future[Any]
    outcome: Any = None


@dataclass(slots=True)
class _Report:
    """What a batch leaves for the loop's thread: whether there is news for all, or only for others; who listens."""

    news: bool = False
    ended: bool = False
    ports: Sequence[tuple[int]] = ()


class Writer:
    """Queues operations and commits them in groups.

    `commits` counts transactions that changed something, but for those of listeners. `fault`, if set, is called in the
    writing thread with `"<operation>:before"` and `"<operation>:after"` around each commit; what it raises reaches the
    callers. `on_refusal` is told, in the loop's thread, of every error that is an answer. With `lengthens_log` the log
    is lengthened once this process has shown that it goes on writing.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        on_news: Callable[[Sequence[tuple[int]], bool], None],
        listener_id: str,
        *,
        lengthens_log: bool,
        on_refusal: Callable[[BaseException], None],
    ) -> None:
        self.commits = 0
        self.fault: Callable[[str], None] | None = None
        self._path = path
        self._clock = clock
        self._on_news = on_news
        self._on_refusal = on_refusal
        self._listener_id = listener_id
        self._lengthens = lengthens_log
        self._short_of_room = False
        self._connection: ThreadConnection | None = None
        self._queue: list[_Call] = []
        # From the moment that a hand-over is due until its batch is answered and nothing more is queued.
        self._occupied = False
        self._idle: asyncio.Future[None] | None = None

    def attach(self, connection: ThreadConnection | None) -> None:
        """Write through this connection from now on."""
        self._connection = connection

    def submit(self, operation: Operation[A, R], argument: A) -> asyncio.Future[R]:
        """Queue a call; what is queued in the same turn of the loop goes with it.

        Cancelling the future does not call the operation back.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._queue.append(_Call(operation, argument, future))
        if not self._occupied:
            self._occupied = True
            loop.call_soon(self._hand_over)
        return future

    async def drained(self) -> None:
        """Wait until nothing is queued."""
        while self._occupied:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle

    def _hand_over(self) -> None:
        batch, self._queue = self._queue, []
        if self._connection is None:
            for call in batch:
                call.outcome = StoreUnavailableError(f"the store {self._path} is closed: open it first")
            self._answer_all(batch, _Report())
        else:
            self._connection.post(partial(self._work, asyncio.get_running_loop(), batch))

    def _deliver(self, call: _Call) -> None:
        failed = isinstance(call.outcome, BaseException)
        if failed:
            self._on_refusal(call.outcome)
        if call.future.done():
            return
        if failed:
            call.future.set_exception(call.outcome)
        else:
            call.future.set_result(call.outcome)

    def _answer_all(self, batch: list[_Call], report: _Report) -> None:
        if report.news or report.ended:
            self._on_news(report.ports, report.news)
        for call in batch:
            self._deliver(call)
        if self._queue:
            # In a turn of its own: what the answers set going is queued in this one.
            asyncio.get_running_loop().call_soon(self._hand_over)
            return
        self._occupied = False
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    # --- in the connection's thread

    def _work(self, loop: asyncio.AbstractEventLoop, batch: list[_Call], database: sqlite3.Connection) -> None:
        report = _Report()
        try:
            self._transact(database, batch, report)
        except BaseException as error:  # noqa: BLE001 - nobody may wait for ever, and what was done is not known
            for call in batch:
                call.outcome = CommitUnknownError(f"the writer stopped: {error!r}")
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self._answer_all, batch, report)
        if self._lengthens and self.commits >= LENGTHEN_AFTER_COMMITS:
            self._lengthens = False
            with suppress(sqlite3.Error):
                lengthen(database, self._path)

    def _transact(self, database: sqlite3.Connection, batch: list[_Call], report: _Report) -> None:
        if self._short_of_room:  # what has come back by now is for the database, before the log takes it
            self._short_of_room = not give_back(database)
        error = self._attempt(database, batch, report)
        if error is not None and is_full(error):
            self._lengthens = False
            self._short_of_room = not give_back(database)
            if not self._short_of_room:
                error = self._attempt(database, batch, report)
        if error is None:
            return
        if len(batch) == 1 or isinstance(error, _FaultError) or is_store_failure(error):
            for call in batch:
                call.outcome = self._final(error)
            return
        for call in batch:
            error = self._attempt(database, [call], report)
            if error is not None:
                call.outcome = self._final(error)

    def _final(self, error: Exception) -> BaseException:
        if isinstance(error, _FaultError):
            return error.injected
        if is_store_failure(error):
            return failed_write(self._path, error)
        return refused_row(error) or error

    def _attempt(self, database: sqlite3.Connection, batch: list[_Call], report: _Report) -> Exception | None:
        """One transaction; what is returned has undone it."""
        changes = database.total_changes
        cursor = database.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            transaction = Transaction(cursor, self._clock())
            for operation, calls in _by_operation(batch):
                outcomes = operation.run(transaction, [call.argument for call in calls])
                for call, outcome in zip(calls, outcomes, strict=True):
                    call.outcome = outcome
            transaction.finish()
            if transaction.news or transaction.ended:
                report.ports = transaction.all("SELECT port FROM listeners WHERE listener_id <> ?", [self._listener_id])
            self._strike(batch, "before")
            cursor.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - it is the answer of the batch
            if database.in_transaction:
                database.execute("ROLLBACK")
            return error
        self.commits += database.total_changes != changes and any(call.operation.counted for call in batch)
        report.news = report.news or transaction.news
        report.ended = report.ended or transaction.ended
        try:
            self._strike(batch, "after")
        except _FaultError as error:
            for call in batch:
                call.outcome = error.injected
        return None

    def _strike(self, batch: list[_Call], moment: str) -> None:
        if self.fault is not None:
            for name in {call.operation.name: None for call in batch}:
                try:
                    self.fault(f"{name}:{moment}")
                except Exception as error:
                    raise _FaultError(error) from error


def _by_operation(batch: list[_Call]) -> list[tuple[Operation[Any, Any], list[_Call]]]:
    groups: dict[Operation[Any, Any], list[_Call]] = {}
    for call in batch:
        groups.setdefault(call.operation, []).append(call)
    return list(groups.items())
