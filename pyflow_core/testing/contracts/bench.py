"""What the scenarios of the state contract work on: a store, two clients of it, two workers, and short words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pyflow_core import naming
from pyflow_core.errors import ErrorInfo, StaleLeaseError
from pyflow_core.payload.key import OUTPUT, payload_key
from pyflow_core.payload.reference import ObjectReference, Producer, write_reference
from pyflow_core.ports.state import (
    DEFAULT_TENANT,
    OMITTED,
    Activation,
    Committed,
    CreatedRun,
    Envelope,
    InlineRetry,
    NewRun,
    NewStep,
    ParkedRun,
    RunClaim,
    RunEvent,
    RunHistory,
    RunRecord,
    RunStatus,
    Settlement,
    StepClaim,
    StepForm,
    StepRecord,
    StepResult,
    StepRetry,
    WorkerInfo,
    WorkflowStateService,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyflow_core.testing.contracts.scenario import ManualClock

RUN = "run-1"
WORKFLOW = "onboarding"
QUEUE = naming.step_queue(WORKFLOW, "send")
LEASE_SECONDS = 30.0
ONE = "worker-1"
TWO = "worker-2"
FAILURE = ErrorInfo(type="ValueError", message="no such user")
DONE = Settlement(RunStatus.COMPLETED, Envelope(inline='"done"'), None)


class Picture(NamedTuple):
    """All that can be seen of a run."""

    run: RunRecord | None
    history: RunHistory | None
    steps: list[StepRecord]
    events: list[RunEvent]


def failed(step_name: str | None = None) -> Settlement:
    """A run's failure, by a step of its own or by its function."""
    return Settlement(RunStatus.FAILED, OMITTED, ErrorInfo(type="StepFailedError", message="boom", step_name=step_name))


def blocked(code_hash: str = "code-1") -> Settlement:
    """A refusal of this code."""
    return Settlement(RunStatus.BLOCKED, OMITTED, ErrorInfo(type="DivergenceError", message="it changed"), code_hash)


def cancelled() -> Settlement:
    """The end of a run whose cancellation left its function."""
    return Settlement(RunStatus.CANCELLED, OMITTED, None)


def ask(name: str, *, asked_at: int = 0, queue: str = QUEUE, claimed: bool = False, value: str = "{}") -> NewStep:
    """An RPC step."""
    return NewStep(
        step_name=name,
        rpc_name="mail.send",
        queue=queue,
        description=None,
        options='{"retries":2}',
        input=Envelope(inline=value),
        input_sha256="0" * 64,
        asked_at=asked_at,
        claimed=claimed,
    )


def stored_key(step_name: str, *, run_id: str = RUN, content: str = "a") -> str:
    """The key of what a step has stored."""
    return payload_key(DEFAULT_TENANT, WORKFLOW, run_id, step_name, OUTPUT, content * 64)


def reference_text(key: str) -> str:
    """A reference as a row holds it."""
    producer = Producer(run_id=RUN)
    reference = ObjectReference(
        bytes=65_536, sha256="a" * 64, tenant=DEFAULT_TENANT, producer=producer, store="files", key=key
    )
    return write_reference(reference)


def by_reference(key: str) -> Envelope:
    """A value that lies in a payload store."""
    return Envelope(reference=reference_text(key))


@dataclass(frozen=True, slots=True)
class StateBench:
    """Two clients of one store, which may be the same object, and the clock of the store.

    Workers `ONE` and `TWO` have joined, one at each client.
    """

    store: WorkflowStateService
    other: WorkflowStateService
    clock: ManualClock

    @property
    def clients(self) -> tuple[WorkflowStateService, WorkflowStateService]:
        """Both clients."""
        return self.store, self.other

    # --- workers

    async def join(self, worker_id: str, client: WorkflowStateService | None = None) -> None:
        """Let a worker join."""
        await (client or self.store).join(WorkerInfo(worker_id, LEASE_SECONDS, "host", 4711))

    async def let_die(self, worker_id: str) -> tuple[str, ...]:
        """Let a worker's lease expire and the others' not, and reap it."""
        for _ in range(3):
            self.clock.advance(LEASE_SECONDS / 2)
            for survivor in await self.other.live_workers():
                if survivor.worker_id != worker_id:
                    assert self.renew(survivor.worker_id)
        return await self.other.reap()

    def renew(self, worker_id: str) -> bool:
        """Renew a lease at the client where its worker is."""
        return (self.other if worker_id == TWO else self.store).renew(worker_id)

    # --- runs

    def new_run(self, run_id: str = RUN, workflow: str = WORKFLOW, **fields: object) -> NewRun:
        """A run to create."""
        values: dict[str, object] = {"input": Envelope(inline='{"user":1}'), "code_hash": "code-1", **fields}
        return NewRun(run_id=run_id, workflow=workflow, **values)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    async def create(self, run_id: str = RUN, *, owner: str | None = ONE, workflow: str = WORKFLOW) -> CreatedRun:
        """Create a run, owned in epoch 1 or ready."""
        return await self.store.create_run(self.new_run(run_id, workflow), claim_for=owner)

    async def turn(
        self,
        run_id: str = RUN,
        *,
        epoch: int = 1,
        worker: str = ONE,
        delivered: int = 0,
        exact: bool = False,
        results: Sequence[StepResult] = (),
        retries: Sequence[InlineRetry] = (),
        asks: Sequence[NewStep] = (),
        cancels: Sequence[str] = (),
        settle: Settlement | None = None,
        park: bool = False,
    ) -> Committed:
        """Commit an activation."""
        return await self.store.commit(
            Activation(
                run_id,
                epoch,
                worker,
                delivered,
                exact,
                results=list(results),
                retries=list(retries),
                asks=list(asks),
                cancels=list(cancels),
                settle=settle,
                park=park,
            )
        )

    async def parked(self, *steps: str, run_id: str = RUN, queue: str = QUEUE) -> None:
        """A run that worker `ONE` has parked in epoch 1, fed up to 0, waiting for these steps."""
        await self.create(run_id)
        asks = [ask(name, queue=queue) for name in steps]
        committed = await self.turn(run_id, asks=asks, park=True)
        assert committed == Committed(seq=0, parked=True)

    async def claim(
        self, run_id: str = RUN, *, worker: str = TWO, parked: Mapping[str, ParkedRun] | None = None
    ) -> RunClaim:
        """Claim a run that must be ready."""
        claim = await self.other.claim_run(run_id, worker, parked=parked or {})
        assert claim is not None, f"{run_id} is not ready"
        return claim

    async def run(self, run_id: str = RUN) -> RunRecord:
        """A run that must exist."""
        record = await self.other.get_run(run_id)
        assert record is not None
        return record

    async def history(self, run_id: str = RUN) -> RunHistory:
        """The history of a run that must exist."""
        history = await self.other.load_run(run_id)
        assert history is not None
        return history

    async def numbers(self, run_id: str = RUN) -> list[int]:
        """Every number that a run has given, in order, read in both ways that a replay may read them."""
        after = [numbered.seq for numbered in await self.other.load_after(run_id, 0)]
        history = await self.history(run_id)
        known = [step.seq for step in history.steps if step.seq is not None] + [entry.seq for entry in history.entries]
        assert after == sorted(known)
        assert history.run.seq == (after[-1] if after else 0)
        return after

    async def picture(self, run_id: str = RUN) -> Picture:
        """All that can be seen of a run, to compare before and after what must write nothing."""
        return Picture(
            await self.other.get_run(run_id),
            await self.other.load_run(run_id),
            await self.other.list_steps(run_id),
            await self.other.list_events(run_id),
        )

    # --- steps

    async def claim_step(self, name: str, *, run_id: str = RUN, worker: str = TWO) -> StepClaim:
        """Claim a step that must be pending and due."""
        claim = await self.other.claim_step(run_id, name, worker)
        assert claim is not None, f"step {name} is not to be had"
        return claim

    async def step(self, name: str, run_id: str = RUN) -> StepRecord:
        """A step that must exist."""
        step = await self.other.get_step_state(run_id, name)
        assert step is not None
        return step

    def outcome(self, claim: StepClaim, value: str = "null", error: ErrorInfo | None = None) -> StepResult:
        """The result of a claimed step."""
        return StepResult(
            form=StepForm.RPC,
            step_name=claim.step_name,
            epoch=claim.epoch,
            attempts=claim.attempts,
            output=OMITTED if error else Envelope(inline=value),
            error=error,
            asked_at=0,
            description=None,
            options=None,
            started_at=self.clock(),
            finished_at=self.clock(),
        )

    def inline(
        self, name: str, value: str = "null", *, error: ErrorInfo | None = None, asked_at: int = 0, attempts: int = 1
    ) -> StepResult:
        """The result of an inline step."""
        return StepResult(
            form=StepForm.INLINE,
            step_name=name,
            epoch=0,
            attempts=attempts,
            output=OMITTED if error else Envelope(inline=value),
            error=error,
            asked_at=asked_at,
            description="inline",
            options=None,
            started_at=self.clock(),
            finished_at=self.clock(),
        )

    def inline_retry(self, name: str, *, attempts: int = 1, asked_at: int = 0, due_in: float = 5.0) -> InlineRetry:
        """An inline attempt that failed and is to be tried again."""
        due_at = self.clock() + due_in
        return InlineRetry(name, attempts, FAILURE, due_at, asked_at, description=None, options=None)

    async def finish(self, claim: StepClaim, value: str = "null", *, worker: str = TWO) -> int:
        """Finish a claimed step well; its number."""
        return (await self.other.finish_step(claim, worker, self.outcome(claim, value))).seq

    async def fail(self, claim: StepClaim, *, worker: str = TWO, error: ErrorInfo = FAILURE) -> int:
        """Finish a claimed step badly; its number."""
        return (await self.other.finish_step(claim, worker, self.outcome(claim, error=error))).seq

    async def retry(self, claim: StepClaim, *, due_in: float = 5.0, worker: str = TWO) -> None:
        """Record a failed attempt."""
        await self.other.retry_step(claim, worker, StepRetry(FAILURE, self.clock() + due_in))

    async def run_step(self, name: str, value: str = "null", *, run_id: str = RUN) -> int:
        """Claim and finish a step; its number."""
        return await self.finish(await self.claim_step(name, run_id=run_id), value)

    async def refuses_finish(self, claim: StepClaim, *, worker: str = TWO) -> None:
        """Neither a result nor a retry is taken, and nothing of them is written."""
        before = await self.picture(claim.run_id)
        with pytest.raises(StaleLeaseError):
            await self.store.finish_step(claim, worker, self.outcome(claim, '"late"'))
        with pytest.raises(StaleLeaseError):
            await self.store.retry_step(claim, worker, StepRetry(FAILURE, self.clock()))
        await self.store.release_step(claim, worker)
        assert await self.picture(claim.run_id) == before
