"""The state port on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import override

from pyflow_core.errors import StoreUnavailableError
from pyflow_core.ports.state import WorkflowStateService
from pyflow_services.sqlite import leases, reading, redrive, runs, schema, steps
from pyflow_services.sqlite.activations import COMMIT
from pyflow_services.sqlite.connection import Connection, ThreadConnection, make_connection
from pyflow_services.sqlite.failure import failed_read
from pyflow_services.sqlite.locks import FileLock, LockFolder, boot_id
from pyflow_services.sqlite.payload_ledger import SqlitePayloadLedger
from pyflow_services.sqlite.wakeup import LISTEN, UNLISTEN, Listener, Wakeup
from pyflow_services.sqlite.writer import Operation, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pyflow_core.ports.state import (
        Activation,
        Committed,
        CreatedRun,
        FinishedStep,
        Job,
        NewRun,
        Numbered,
        ParkedRun,
        Redriven,
        RedrivePlan,
        RunClaim,
        RunEvent,
        RunFilter,
        RunHistory,
        RunPage,
        RunRecord,
        RunStatus,
        Settlement,
        StepClaim,
        StepRecord,
        StepResult,
        StepRetry,
        WorkerInfo,
    )

A = TypeVar("A")
T = TypeVar("T")


class SqliteStateService(WorkflowStateService):
    """Holds everything in one SQLite file, which any number of processes of one machine may share.

    `synchronous="full"` survives the loss of power; `"normal"` may lose the last commits then, but not when only the
    process dies. The file must be on a disk of the machine, because write-ahead logging needs shared memory.

    `clock` gives the times in rows. `lease_clock` must be one that all processes of a boot share and nobody sets.
    """

    def __init__(
        self,
        path: Path,
        *,
        synchronous: schema.Synchronous = "full",
        clock: Callable[[], float] = time.time,
        lease_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._synchronous: schema.Synchronous = synchronous
        self._clock = clock
        self._lease_clock = lease_clock
        self._member_id = f"listener-{uuid.uuid4().hex}"
        self._locks: dict[str, FileLock] = {}
        self._folder = LockFolder(path)
        self._census = leases.Census(self._folder, lease_clock)
        self._heartbeat = leases.Heartbeat(path, lease_clock)
        self._connection: ThreadConnection | None = None
        self._reader: Connection | None = None
        self._wakeup = Wakeup(self._register_listener, self._data_version)
        self._writer = Writer(
            path,
            clock,
            self._wakeup.news,
            self._member_id,
            lengthens_log=synchronous == "full",
            on_refusal=self.note_refusal,
        )

    # --- for tests

    @property
    def commits(self) -> int:
        """How many transactions of this service have changed something; heartbeats and listeners are not counted."""
        return self._writer.commits

    @property
    def fault(self) -> Callable[[str], None] | None:
        """What is called in the writing thread, with "<operation>:before" and "<operation>:after", at each commit."""
        return self._writer.fault

    @fault.setter
    def fault(self, fault: Callable[[str], None] | None) -> None:
        self._writer.fault = fault

    # --- the two connections

    def write(self, operation: Operation[A, T], argument: A) -> asyncio.Future[T]:
        """Queue an operation; it is answered after its commit."""
        self._wakeup.stir()
        return self._writer.submit(operation, argument)

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the reading connection, in its thread."""
        if self._reader is None:
            raise StoreUnavailableError(f"the store {self._path} is closed: open it first")
        try:
            return await self._reader.run(function)
        except sqlite3.Error as error:
            raise failed_read(self._path, error) from error

    async def _data_version(self) -> int:
        # Of the writing connection, which does not count its own commits as changes.
        if self._connection is None:
            raise StoreUnavailableError(f"the store {self._path} is closed: open it first")
        try:
            return await self._connection.run(_data_version)
        except sqlite3.Error as error:
            raise failed_read(self._path, error) from error

    # --- life of the service

    @override
    async def open(self) -> None:
        if self._connection is not None:
            return
        connection = ThreadConnection(partial(schema.connect_writer, self._path, self._synchronous))
        await connection.open()
        reader = make_connection(partial(schema.connect_reader, self._path))
        try:
            await reader.open()
        except BaseException:
            await connection.close()
            raise
        self._connection, self._reader = connection, reader
        self._writer.attach(connection)
        self._wakeup.is_open = True
        self._wakeup.start()

    @override
    async def close(self) -> None:
        if self._connection is None:
            return
        await self._wakeup.stop()
        if self._member_id in self._locks:
            await self.write(UNLISTEN, self._member_id)
        await self._writer.drained()
        connection, self._connection = self._connection, None
        reader, self._reader = self._reader, None
        self._writer.attach(None)
        if reader is not None:
            await reader.close()
        await connection.close()
        self._heartbeat.close()
        for lock in self._locks.values():
            lock.remove()
        self._locks.clear()

    @override
    def now(self) -> float:
        return self._clock()

    @override
    def subscribe(self, hint: Callable[[], None]) -> Callable[[], None]:
        return self._wakeup.subscribe(hint)

    async def _register_listener(self, port: int) -> None:
        self._hold(self._member_id)
        await self.write(LISTEN, Listener(self._member_id, boot_id(), port))

    # --- leases

    def _hold(self, member: str) -> None:
        if member in self._locks:
            return
        try:
            self._locks[member] = self._folder.hold(member)
        except OSError as error:
            raise StoreUnavailableError(
                f"the lock file of {member!r} beside {self._path} cannot be locked ({error}): check the folder"
            ) from error

    def _let_go(self, member: str) -> None:
        lock = self._locks.pop(member, None)
        if lock is not None:
            lock.remove()

    @property
    @override
    def ledger(self) -> SqlitePayloadLedger:
        return SqlitePayloadLedger(self)

    @override
    async def join(self, worker: WorkerInfo) -> None:
        # The lock first: a row without one would be that of a dead worker.
        self._hold(worker.worker_id)
        expires_at = self._lease_clock() + worker.lease_seconds
        await self.write(leases.JOIN, leases.Joining(worker, expires_at))

    @override
    def renew(self, worker_id: str) -> bool:
        return self._heartbeat.renew(worker_id)

    @override
    async def leave(self, worker_id: str) -> None:
        await self.write(leases.LEAVE, worker_id)
        self._let_go(worker_id)

    @override
    async def reap(self) -> tuple[str, ...]:
        dead, locks = await self._find_dead()
        reaped: tuple[str, ...] = ()
        try:
            if dead.gone or dead.expired or dead.listeners:
                reaped = await self.write(leases.REAP, dead)
        except BaseException:
            for lock in locks:
                lock.release()
            raise
        for lock in locks:
            lock.remove()
        for worker_id in set(reaped).intersection(dead.expired):
            self._folder.forget(worker_id)
        return reaped

    async def _find_dead(self) -> tuple[leases.Dead, list[FileLock]]:
        search = asyncio.ensure_future(self.read(lambda database: self._census.find_dead(database.cursor())))
        try:
            return await asyncio.shield(search)
        except asyncio.CancelledError:
            # The thread goes on. As long as this process held what it takes there, the dead would seem to live.
            search.add_done_callback(_release_found)
            raise

    @override
    async def live_workers(self) -> list[WorkerInfo]:
        return await self.read(lambda database: self._census.live(database.cursor()))

    # --- runs

    @override
    async def create_run(self, run: NewRun, *, claim_for: str | None = None) -> CreatedRun:
        return await self.write(runs.CREATE, runs.Birth(run, claim_for))

    @override
    async def claim_run(self, run_id: str, worker_id: str, *, parked: Mapping[str, ParkedRun]) -> RunClaim | None:
        return await self.write(runs.CLAIM_ONE, runs.RunWanted(run_id, worker_id, parked))

    @override
    async def claim_runs(
        self, worker_id: str, workflows: Sequence[str], limit: int, *, parked: Mapping[str, ParkedRun]
    ) -> list[RunClaim]:
        return await self.write(runs.CLAIM_MANY, runs.RunsWanted(worker_id, workflows, limit, parked))

    @override
    async def commit(self, activation: Activation) -> Committed:
        return await self.write(COMMIT, activation)

    @override
    async def numbers(self, worker_id: str) -> dict[str, int]:
        return await self.read(lambda database: reading.numbers(database, worker_id))

    @override
    async def load_run(self, run_id: str) -> RunHistory | None:
        return await self.read(lambda database: reading.load_run(database, run_id))

    @override
    async def load_after(self, run_id: str, seq: int) -> tuple[Numbered, ...]:
        return await self.read(lambda database: reading.load_after(database, run_id, seq))

    @override
    async def request_cancel(self, run_id: str) -> RunStatus | None:
        return await self.write(runs.REQUEST_CANCEL, run_id)

    @override
    async def unblock(self, workflow: str, code_hash: str) -> int:
        return await self.write(runs.UNBLOCK, runs.Unblocking(workflow, code_hash))

    @override
    async def plan_redrive(self, run_id: str) -> RedrivePlan | None:
        return await self.read(lambda database: redrive.plan(database, run_id))

    @override
    async def redrive(self, run_id: str) -> Redriven | None:
        return await self.write(redrive.REDRIVE, run_id)

    # --- steps

    @override
    async def claim_step(self, run_id: str, step_name: str, worker_id: str) -> StepClaim | None:
        return await self.write(steps.CLAIM_ONE, steps.StepWanted(run_id, step_name, worker_id))

    @override
    async def claim_steps(self, worker_id: str, slots: Mapping[str, int]) -> list[StepClaim]:
        return await self.write(steps.CLAIM_MANY, steps.StepsWanted(worker_id, slots))

    @override
    async def next_due(self, queues: Sequence[str]) -> float | None:
        return await self.read(lambda database: reading.next_due(database, queues))

    @override
    async def finish_step(self, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
        return await self.write(steps.FINISH, steps.StepFinish(claim, worker_id, result))

    @override
    async def retry_step(self, claim: StepClaim, worker_id: str, retry: StepRetry) -> None:
        await self.write(steps.RETRY, steps.StepFailure(claim, worker_id, retry))

    @override
    async def release_step(self, claim: StepClaim, worker_id: str) -> None:
        await self.write(steps.RELEASE, steps.StepRelease(claim, worker_id))

    @override
    async def refuse_step(self, claim: StepClaim, worker_id: str, block: Settlement) -> None:
        await self.write(steps.REFUSE, steps.StepRefusal(claim, worker_id, block))

    @override
    async def revoked(self, worker_id: str, claims: Sequence[StepClaim]) -> list[StepClaim]:
        return await self.read(lambda database: reading.revoked(database, worker_id, claims))

    @override
    async def held_steps(self, worker_id: str) -> list[StepClaim]:
        return await self.read(lambda database: steps.held_steps(database, worker_id))

    # --- the outbox

    @override
    async def unqueued(self, older_than: float, limit: int) -> list[Job]:
        now = self._clock()
        return await self.read(lambda database: reading.unqueued(database, now, older_than, limit))

    @override
    async def mark_queued(self, jobs: Sequence[Job]) -> None:
        await self.write(steps.MARK_QUEUED, jobs)

    # --- reading, for people

    @override
    async def get_run(self, run_id: str) -> RunRecord | None:
        return await self.read(lambda database: reading.get_run(database, run_id))

    @override
    async def settled(self, run_ids: Sequence[str]) -> dict[str, RunRecord]:
        return await self.read(lambda database: reading.settled(database, run_ids))

    @override
    async def find_runs(self, prefix: str, limit: int) -> list[str]:
        return await self.read(lambda database: reading.find_runs(database, prefix, limit))

    @override
    async def list_runs(self, query: RunFilter) -> RunPage:
        return await self.read(lambda database: reading.list_runs(database, query))

    @override
    async def list_steps(self, run_id: str) -> list[StepRecord]:
        return await self.read(lambda database: reading.list_steps(database, run_id))

    @override
    async def get_step_state(self, run_id: str, step_name: str) -> StepRecord | None:
        return await self.read(lambda database: reading.get_step(database, run_id, step_name))

    @override
    async def list_events(self, run_id: str) -> list[RunEvent]:
        return await self.read(lambda database: reading.list_events(database, run_id))


def _release_found(search: asyncio.Future[tuple[leases.Dead, list[FileLock]]]) -> None:
    if not search.cancelled() and search.exception() is None:
        for lock in search.result()[1]:
            lock.release()


def _data_version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA data_version").fetchone()[0]
    return version
