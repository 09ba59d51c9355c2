"""The state port in memory: for tests, and for trying things out. Nothing outlives the object."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import override

from pyflow_core.errors import PayloadContractError
from pyflow_core.ports.state import WorkflowStateService
from pyflow_services.memory import activation as activations
from pyflow_services.memory import claim as claims
from pyflow_services.memory import lease, redrive, report
from pyflow_services.memory import run as runs
from pyflow_services.memory import step as steps
from pyflow_services.memory.hint import Hints
from pyflow_services.memory.payload_ledger import MemoryPayloadLedger
from pyflow_services.memory.table import RunRow, Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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

T = TypeVar("T")


def _steady_clock() -> Callable[[], float]:
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


class MemoryStateService(WorkflowStateService):
    """Holds everything in dicts. Several clients of one process may share one, from any thread and loop.

    Records are frozen, so nothing that is handed out can change what is stored. Every call yields to the loop before
    it acts and before it answers, as a call of a real store would. `close` keeps the data, so that a test can open the
    same store again.

    `fault`, if set, is called with `"<operation>:before"` and `"<operation>:after"` around each commit; what it raises
    reaches the caller: nothing of the commit is written in the first case, all of it in the second.
    """

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        self._tables = Tables(clock or _steady_clock())
        self._hints = Hints()
        self._lock = threading.RLock()

    # --- for tests

    @property
    def commits(self) -> int:
        """How many commits have been made."""
        return self._tables.commits

    @property
    def fault(self) -> Callable[[str], None] | None:
        """What is called around each commit."""
        return self._tables.fault

    @fault.setter
    def fault(self, fault: Callable[[str], None] | None) -> None:
        self._tables.fault = fault

    def expire(self, worker_id: str) -> None:
        """Let a worker be dead: the next `reap` frees what it holds, and it cannot renew."""
        with self._lock:
            known = self._tables.leases.get(worker_id)
            if known is not None:
                known.dead = True

    async def _answer(self, transition: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        try:
            with self._lock:
                return transition()
        except PayloadContractError as error:
            self.note_refusal(error)
            raise
        finally:
            self._tell_news()
            await asyncio.sleep(0)

    def _tell_news(self) -> None:
        with self._lock:
            if self._tables.news:
                self._tables.news = False
                self._hints.send()

    async def _of_run(self, run_id: str, read: Callable[[RunRow], T], missing: T) -> T:
        def transition() -> T:
            row = self._tables.runs.get(run_id)
            return missing if row is None else read(row)

        return await self._answer(transition)

    # --- life of the service

    @override
    async def open(self) -> None:
        await asyncio.sleep(0)

    @override
    async def close(self) -> None:
        await asyncio.sleep(0)

    @override
    def now(self) -> float:
        return self._tables.clock()

    @override
    def subscribe(self, hint: Callable[[], None]) -> Callable[[], None]:
        return self._hints.subscribe(hint)

    # --- leases

    @property
    @override
    def ledger(self) -> MemoryPayloadLedger:
        return MemoryPayloadLedger(self._tables, self._answer)

    @override
    async def join(self, worker: WorkerInfo) -> None:
        await self._answer(partial(lease.join, self._tables, worker))

    @override
    def renew(self, worker_id: str) -> bool:
        with self._lock:
            return lease.renew(self._tables, worker_id)

    @override
    async def leave(self, worker_id: str) -> None:
        await self._answer(partial(lease.leave, self._tables, worker_id))

    @override
    async def reap(self) -> tuple[str, ...]:
        return await self._answer(partial(lease.reap, self._tables))

    # --- runs

    @override
    async def create_run(self, run: NewRun, *, claim_for: str | None = None) -> CreatedRun:
        return await self._answer(partial(runs.create, self._tables, run, claim_for))

    @override
    async def claim_run(self, run_id: str, worker_id: str, *, parked: Mapping[str, ParkedRun]) -> RunClaim | None:
        return await self._answer(partial(claims.claim_run, self._tables, run_id, worker_id, parked))

    @override
    async def claim_runs(
        self, worker_id: str, workflows: Sequence[str], limit: int, *, parked: Mapping[str, ParkedRun]
    ) -> list[RunClaim]:
        return await self._answer(partial(claims.claim_runs, self._tables, worker_id, workflows, limit, parked))

    @override
    async def commit(self, activation: Activation) -> Committed:
        return await self._answer(partial(activations.commit, self._tables, activation))

    @override
    async def numbers(self, worker_id: str) -> dict[str, int]:
        def read() -> dict[str, int]:
            tables = self._tables
            return {run_id: tables.runs[run_id].record.seq for run_id in tables.owned.get(worker_id, {})}

        return await self._answer(read)

    @override
    async def load_run(self, run_id: str) -> RunHistory | None:
        return await self._of_run(run_id, RunRow.history, None)

    @override
    async def load_after(self, run_id: str, seq: int) -> tuple[Numbered, ...]:
        return await self._of_run(run_id, lambda row: row.after(seq), ())

    @override
    async def request_cancel(self, run_id: str) -> RunStatus | None:
        return await self._of_run(run_id, lambda row: runs.request_cancel(self._tables, row), None)

    @override
    async def unblock(self, workflow: str, code_hash: str) -> int:
        return await self._answer(partial(runs.unblock_all, self._tables, workflow, code_hash))

    @override
    async def plan_redrive(self, run_id: str) -> RedrivePlan | None:
        return await self._of_run(run_id, redrive.plan, None)

    @override
    async def redrive(self, run_id: str) -> Redriven | None:
        return await self._of_run(run_id, lambda row: redrive.redrive(self._tables, row), None)

    # --- steps

    @override
    async def claim_step(self, run_id: str, step_name: str, worker_id: str) -> StepClaim | None:
        return await self._answer(partial(claims.claim_step, self._tables, run_id, step_name, worker_id))

    @override
    async def claim_steps(self, worker_id: str, slots: Mapping[str, int]) -> list[StepClaim]:
        return await self._answer(partial(claims.claim_steps, self._tables, worker_id, slots))

    @override
    async def next_due(self, queues: Sequence[str]) -> float | None:
        def read() -> float | None:
            firsts = (self._tables.due.first(queue) for queue in queues)
            return min((first[0] for first in firsts if first is not None), default=None)

        return await self._answer(read)

    @override
    async def finish_step(self, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
        return await self._answer(partial(steps.finish, self._tables, claim, worker_id, result))

    @override
    async def retry_step(self, claim: StepClaim, worker_id: str, retry: StepRetry) -> None:
        await self._answer(partial(steps.retry, self._tables, claim, worker_id, retry))

    @override
    async def release_step(self, claim: StepClaim, worker_id: str) -> None:
        await self._answer(partial(steps.release, self._tables, claim, worker_id))

    @override
    async def refuse_step(self, claim: StepClaim, worker_id: str, block: Settlement) -> None:
        await self._answer(partial(steps.refuse, self._tables, claim, worker_id, block))

    @override
    async def revoked(self, worker_id: str, claims: Sequence[StepClaim]) -> list[StepClaim]:
        return await self._answer(
            lambda: [claim for claim in claims if steps.is_revoked(self._tables, claim, worker_id)]
        )

    @override
    async def held_steps(self, worker_id: str) -> list[StepClaim]:
        return await self._answer(partial(claims.held_steps, self._tables, worker_id))

    # --- the outbox

    @override
    async def unqueued(self, older_than: float, limit: int) -> list[Job]:
        return await self._answer(partial(report.unqueued, self._tables, older_than, limit))

    @override
    async def mark_queued(self, jobs: Sequence[Job]) -> None:
        await self._answer(partial(report.mark_queued, self._tables, jobs))

    # --- reading, for people

    @override
    async def get_run(self, run_id: str) -> RunRecord | None:
        return await self._of_run(run_id, lambda row: row.record, None)

    @override
    async def settled(self, run_ids: Sequence[str]) -> dict[str, RunRecord]:
        return await self._answer(partial(report.settled, self._tables, run_ids))

    @override
    async def find_runs(self, prefix: str, limit: int) -> list[str]:
        return await self._answer(partial(self._tables.catalogue.with_prefix, prefix, limit))

    @override
    async def list_runs(self, query: RunFilter) -> RunPage:
        return await self._answer(partial(report.list_runs, self._tables, query))

    @override
    async def list_steps(self, run_id: str) -> list[StepRecord]:
        return await self._of_run(run_id, lambda row: list(row.steps_as_asked()), [])

    @override
    async def get_step_state(self, run_id: str, step_name: str) -> StepRecord | None:
        return await self._of_run(run_id, lambda row: row.steps.get(step_name), None)

    @override
    async def list_events(self, run_id: str) -> list[RunEvent]:
        return await self._of_run(run_id, lambda row: list(row.events), [])

    @override
    async def live_workers(self) -> list[WorkerInfo]:
        return await self._answer(partial(lease.live, self._tables))
