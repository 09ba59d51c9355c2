"""The state port: runs, steps, numbered entries, events, and the leases of workers.

State is the truth. Every write by a worker is a *transition that can lose*: its first statement is conditional on the
lease under which it is made, and when that changes no row, nothing of the transition is written. "Read, then write"
is never a claim.

One number orders a run. `RunRecord.seq` counts everything that enters an execution after its input: step results,
final step errors, cancel requests. The transaction that records such a thing takes the next number and keeps it in
its row, so that an execution is fed 1, 2, 3 … without gaps, live and on replay alike.

Times are seconds since the epoch on the store's clock; durations are seconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from pyflow_core.errors import PayloadContractError
from pyflow_core.ports.metric import CONTRACT_VIOLATIONS, NO_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyflow_core.errors import ErrorInfo
    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadLedger

DEFAULT_TENANT = "default"

LAST_OWNER_HEAD_START_SECONDS = 0.2
"""For so long a run that has become ready is left to its last owner, whose cache may still hold it."""


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    WAITING = "waiting"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        """Whether the run has ended and, but for a re-drive, never changes again."""
        return self in _SETTLED


_SETTLED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


class StepStatus(StrEnum):
    """Where a step stands. Only the last three have a number, and a step cancelled before its claim has none."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepForm(StrEnum):
    """How a step is executed: by a queue worker, or in the orchestrator."""

    RPC = "rpc"
    INLINE = "inline"


class Envelope(NamedTuple):
    """A value as a row holds it: the text itself, or a reference to it, or neither (omitted); never both.

    Columns rather than a model, because a model on the hot path costs half of the throughput.
    """

    inline: str | None = None
    reference: str | None = None
    meta: str | None = None
    context: str | None = None


OMITTED = Envelope()


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is to be created."""

    run_id: str
    workflow: str
    input: Envelope
    code_hash: str
    tags: tuple[str, ...] = ()
    actor: str | None = None
    tenant: str = DEFAULT_TENANT


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as its row holds it."""

    run_id: str
    workflow: str
    status: RunStatus
    input: Envelope
    output: Envelope
    error: ErrorInfo | None
    code_hash: str
    generation: int
    seq: int
    epoch: int
    owner: str | None
    takeovers: int
    tags: tuple[str, ...]
    actor: str | None
    tenant: str
    created_at: float
    updated_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list: no input, no output."""

    run_id: str
    workflow: str
    status: RunStatus
    steps_done: int
    steps_open: int
    error: ErrorInfo | None
    tags: tuple[str, ...]
    created_at: float
    updated_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list, newest first. `cursor` is the `next_cursor` of the page before."""

    workflow: str | None = None
    statuses: tuple[RunStatus, ...] = ()
    tag: str | None = None
    since: float | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of runs."""

    runs: tuple[RunSummary, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as its row holds it.

    `asked_at` is the number up to which the execution had been fed when it asked for the step. `options` is the JSON
    of what `do` was given, so that any worker applies the same retries and timeout.
    """

    run_id: str
    step_name: str
    form: StepForm
    rpc_name: str | None
    queue: str | None
    description: str | None
    options: str | None
    input: Envelope
    input_sha256: str | None
    output: Envelope
    error: ErrorInfo | None
    status: StepStatus
    asked_at: int
    seq: int | None
    attempts: int
    deaths: int
    worker: str | None
    epoch: int
    cancel_requested: bool
    due_at: float | None
    scheduled_at: float
    started_at: float | None
    finished_at: float | None


class EntryType(StrEnum):
    """What enters an execution with a number and is no step."""

    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something without a step that takes a number."""

    seq: int
    type: EntryType
    at: float


class Numbered(NamedTuple):
    """One numbered thing of a run, in the order of numbers: exactly one of `step` and `entry` is set."""

    seq: int
    step: StepRecord | None = None
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class RunHistory:
    """All that a replay needs, read in one consistent snapshot.

    `steps` holds every step of the present generation, numbered or not.
    """

    run: RunRecord
    steps: tuple[StepRecord, ...]
    entries: tuple[Entry, ...]


class RunClaim(NamedTuple):
    """A won claim of a run, with what its new owner must be fed.

    `after` is the number up to which the claimer's cached execution had been fed when it parked under the epoch just
    before; then `fresh` holds what came since and `history` is None. Otherwise `history` is set, for a replay.
    """

    run_id: str
    workflow: str
    epoch: int
    generation: int
    after: int | None
    fresh: tuple[Numbered, ...]
    history: RunHistory | None


class ParkedRun(NamedTuple):
    """What a cache remembers of an execution that it keeps: the epoch under which it parked, and how far it was fed."""

    epoch: int
    delivered: int


class StepClaim(NamedTuple):
    """A won claim of a step: everything that its execution needs."""

    run_id: str
    workflow: str
    generation: int
    step_name: str
    rpc_name: str
    queue: str
    options: str | None
    input: Envelope
    epoch: int
    attempts: int
    """Tries so far, this one included; deaths of workers are not tries."""
    deaths: int = 0
    """How many workers died while they ran this step."""
    tenant: str = DEFAULT_TENANT
    inline_bytes: int = 0
    """What the run held inline when the step was asked for."""


class NewStep(NamedTuple):
    """An RPC step that a workflow asks for.

    With `claimed` the row is born running and belongs to the worker of the activation: its first attempt, epoch 1.
    """

    step_name: str
    rpc_name: str
    queue: str
    description: str | None
    options: str | None
    input: Envelope
    input_sha256: str
    asked_at: int
    claimed: bool
    inline_bytes: int = 0
    """What the run held inline when the step was asked for."""


class StepResult(NamedTuple):
    """A final result that takes the next number of its run.

    An inline step's row is written now (or replaced, if earlier attempts left one); an RPC step's row must still be
    running under `epoch` of the activation's worker, else the whole activation is stale.
    """

    form: StepForm
    step_name: str
    epoch: int
    attempts: int
    output: Envelope
    error: ErrorInfo | None
    asked_at: int
    description: str | None
    options: str | None
    started_at: float
    finished_at: float
    """Kept as given: it is the workflow's time while the result is delivered, live and on replay alike."""


class InlineRetry(NamedTuple):
    """An inline step's attempt that failed and will be tried again: no number, but attempts and due time are kept."""

    step_name: str
    attempts: int
    error: ErrorInfo
    due_at: float
    asked_at: int
    description: str | None
    options: str | None


class Settlement(NamedTuple):
    """How a run ends, or why it is blocked. For `blocked`, `code_hash` is the hash of the code that was refused."""

    status: RunStatus
    output: Envelope
    error: ErrorInfo | None
    code_hash: str | None = None


@dataclass(slots=True)
class Activation:
    """What one turn of an execution writes, in one transaction.

    `delivered` is the number up to which the execution had been fed, `results` not counted. With `exact` the
    results were fed before this commit (or the run settles): it is refused with `OvertakenError` unless the run's
    `seq` still equals `delivered`. Order inside: results (each takes a number), retries, asks, cancels, then settle
    or park. A settlement also cancels every open step of the run; a block leaves them. `park` gives the run up if,
    after the results, nothing has arrived that was not fed (without `exact`, the results themselves); otherwise the
    run stays owned and the answer says so.
    """

    run_id: str
    epoch: int
    worker_id: str
    delivered: int
    exact: bool = False
    results: Sequence[StepResult] = ()
    retries: Sequence[InlineRetry] = ()
    asks: Sequence[NewStep] = ()
    cancels: Sequence[str] = ()
    settle: Settlement | None = None
    park: bool = False


class Committed(NamedTuple):
    """The answer to an activation: the run's number after it, and whether it is parked."""

    seq: int
    parked: bool


class CreatedRun(NamedTuple):
    """The answer to `create_run`: the run, whether this call made it, and the epoch if it was claimed at birth."""

    run_id: str
    workflow: str
    status: RunStatus
    created: bool
    epoch: int | None
    created_at: float


class StepRetry(NamedTuple):
    """An attempt of an RPC step that failed and will be tried again when `due_at` has come."""

    error: ErrorInfo
    due_at: float


class FinishedStep(NamedTuple):
    """The answer to `finish_step`: the number that the result took, and who drives the run (None: it needs a claim)."""

    seq: int
    run_owner: str | None


class Job(NamedTuple):
    """Work for a queue: ids only, never data. Without a step it is the wake-up of a run."""

    queue: str
    task: str
    run_id: str
    step_name: str | None = None
    not_before: float | None = None


class WorkerInfo(NamedTuple):
    """A process that takes part: what its lease row holds."""

    worker_id: str
    lease_seconds: float
    host: str
    pid: int


class RunEvent(NamedTuple):
    """A row of a run's event log, for people and dashboards; replay never reads it. `type` is an `EventType`."""

    id: int
    run_id: str
    generation: int
    type: str
    seq: int | None
    step_name: str | None
    attempt: int | None
    worker: str | None
    at: float
    detail: str | None


class Redriven(NamedTuple):
    """The answer to `redrive`: the new generation, the step that is tried again, and what was archived."""

    generation: int
    retried: str | None
    archived: tuple[str, ...]


class RedrivePlan(NamedTuple):
    """What a re-drive would do. `completed` are archived steps that had completed: they will run again."""

    retried: str | None
    archived: tuple[str, ...]
    completed: tuple[str, ...]


class WorkflowStateService(ABC):
    """Holds runs, steps, entries, events and leases. Every implementation passes `pyflow_core.testing.contracts`.

    Any method may raise `StoreUnavailableError`; a write may raise `CommitUnknownError`, after which what it wrote is
    unknown until it is read again.
    """

    metrics: MetricService = NO_METRICS
    """What refused values are counted with; a connection sets it."""

    def note_refusal(self, error: BaseException) -> None:
        """Count an answer that is a refusal of a value; every implementation calls it for whatever it raises."""
        if isinstance(error, PayloadContractError):
            self.metrics.count(CONTRACT_VIOLATIONS, where="write")

    # --- life of the service

    @abstractmethod
    async def open(self) -> None:
        """Open the store, migrate it if it is older, and refuse it if it is newer or foreign.

        Raises:
            StoreFormatError, StoreVersionError, StoreUnavailableError: each says what to do.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; safe to call twice."""

    @abstractmethod
    def now(self) -> float:
        """The store's clock."""

    @abstractmethod
    def subscribe(self, hint: Callable[[], None]) -> Callable[[], None]:
        """Call `hint` on the event loop whenever something may have changed by others; returns the way to stop it.

        A hint carries nothing and may come for nothing. The first subscription starts listening, the last ends it.
        """

    @property
    @abstractmethod
    def ledger(self) -> PayloadLedger:
        """Which payloads the rows refer to, and which may be deleted."""

    # --- leases

    @abstractmethod
    async def join(self, worker: WorkerInfo) -> None:
        """Register a worker's lease."""

    @abstractmethod
    def renew(self, worker_id: str) -> bool:
        """Renew a lease; False if it is gone. Called from a thread of its own, so that a busy loop keeps its lease."""

    @abstractmethod
    async def leave(self, worker_id: str) -> None:
        """Give up a lease: its runs become ready and its steps pending at once, not counted as deaths."""

    @abstractmethod
    async def reap(self) -> tuple[str, ...]:
        """Free what dead workers hold, in one transaction, and return their ids.

        Dead is whose process is gone or whose lease has expired. Their running steps become pending again with one
        more death and an epoch that refuses the dead one's late writes; their runs become ready with one more
        takeover and a new epoch. What a worker claims after its reaping is either refused to it or freed by the next.
        """

    # --- runs

    @abstractmethod
    async def create_run(self, run: NewRun, *, claim_for: str | None = None) -> CreatedRun:
        """Create a run, once for each `run_id`; with `claim_for` it is born owned by that worker, in epoch 1.

        An existing run of that id is answered as it is, `created` false. Without `claim_for` the run is ready.
        """

    @abstractmethod
    async def claim_run(self, run_id: str, worker_id: str, *, parked: Mapping[str, ParkedRun]) -> RunClaim | None:
        """Claim one ready run, whoever owned it last; None if it is not ready."""

    @abstractmethod
    async def claim_runs(
        self, worker_id: str, workflows: Sequence[str], limit: int, *, parked: Mapping[str, ParkedRun]
    ) -> list[RunClaim]:
        """Claim up to `limit` ready runs of these workflows, longest ready first.

        A run whose last owner was another worker is left alone for `LAST_OWNER_HEAD_START_SECONDS`.
        """

    @abstractmethod
    async def commit(self, activation: Activation) -> Committed:
        """Write one turn of an execution.

        Raises:
            StaleLeaseError: the worker no longer owns the run (or a step whose result it brings): nothing written.
            PayloadCollectedError: it refers to payloads that are barred (see `PayloadLedger`), of which it gives all
                `keys`: nothing written. So may `create_run` and `finish_step`.
            OvertakenError: `exact`, and another entry came first: nothing written, the run is still owned.
        """

    @abstractmethod
    async def numbers(self, worker_id: str) -> dict[str, int]:
        """The present number of every run that the worker owns, to notice what others have added."""

    @abstractmethod
    async def load_run(self, run_id: str) -> RunHistory | None:
        """Everything a replay needs, in one snapshot; None if there is no such run."""

    @abstractmethod
    async def load_after(self, run_id: str, seq: int) -> tuple[Numbered, ...]:
        """What has a number above `seq`, in order."""

    @abstractmethod
    async def request_cancel(self, run_id: str) -> RunStatus | None:
        """Enter a cancel request and wake the run; the status before, None if unknown. A settled run is untouched.

        A second request while one is recorded adds nothing. A blocked run is settled as cancelled at once.
        """

    @abstractmethod
    async def unblock(self, workflow: str, code_hash: str) -> int:
        """Make ready the runs of a workflow that were blocked under another code hash; how many."""

    @abstractmethod
    async def plan_redrive(self, run_id: str) -> RedrivePlan | None:
        """What `redrive` would do; None for an unknown run or one that is not failed, cancelled or blocked."""

    @abstractmethod
    async def redrive(self, run_id: str) -> Redriven | None:
        """Open a failed, cancelled or blocked run again as a new generation, from its last good step.

        The failed step that ended it (number k, named by the run's error), what failed after it, and what was
        cancelled because of it become pending with no attempts; steps with `asked_at >= k` move to the archive of the
        old generation, entries from k on are removed, numbers are kept for what stays, and `seq` is the highest of
        them. In a cancelled run k is the number of the cancel request; where the function itself failed there is
        none, and all results stay. A blocked run is just made ready, in the same generation. None when there is
        nothing to re-drive.
        """

    # --- steps

    @abstractmethod
    async def claim_step(self, run_id: str, step_name: str, worker_id: str) -> StepClaim | None:
        """Claim one pending step that is due; None if it is not to be had."""

    @abstractmethod
    async def claim_steps(self, worker_id: str, slots: Mapping[str, int]) -> list[StepClaim]:
        """Claim pending, due steps: for each queue as many as it has slots, longest due first."""

    @abstractmethod
    async def next_due(self, queues: Sequence[str]) -> float | None:
        """When the earliest pending step of these queues becomes due, however far ahead; None if there is none."""

    @abstractmethod
    async def finish_step(self, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
        """Record a result and wake its run, in one commit.

        Raises:
            StaleLeaseError: the claim was lost, or the run has settled: nothing written.
        """

    @abstractmethod
    async def retry_step(self, claim: StepClaim, worker_id: str, retry: StepRetry) -> None:
        """Record a failed attempt and make the step pending again; one that was asked to stop ends as cancelled.

        Raises:
            StaleLeaseError: as `finish_step`.
        """

    @abstractmethod
    async def release_step(self, claim: StepClaim, worker_id: str) -> None:
        """Give a claimed step back untried: pending at once, the attempt not counted. Lost claims are ignored."""

    @abstractmethod
    async def refuse_step(self, claim: StepClaim, worker_id: str, block: Settlement) -> None:
        """Block the run of a claimed step that this worker's code cannot run, whoever drives the run.

        The step is given back untried, but nobody can claim it until the run is unblocked.

        Raises:
            StaleLeaseError: the worker no longer owns the step.
        """

    @abstractmethod
    async def revoked(self, worker_id: str, claims: Sequence[StepClaim]) -> list[StepClaim]:
        """Which of these claims were cancelled or lost."""

    @abstractmethod
    async def held_steps(self, worker_id: str) -> list[StepClaim]:
        """The steps that the worker holds, so that it finds those whose claim was never answered."""

    # --- the outbox, for queues outside the store

    @abstractmethod
    async def unqueued(self, older_than: float, limit: int) -> list[Job]:
        """Jobs for ready runs and pending steps that were never marked, or marked long ago, oldest first.

        `older_than` seconds must have passed since the row became ready or pending, so that the ordinary path comes
        first; what was marked is offered again after 300 s, in case the queue lost it.
        """

    @abstractmethod
    async def mark_queued(self, jobs: Sequence[Job]) -> None:
        """Note that these jobs are on their queues."""

    # --- reading, for people

    @abstractmethod
    async def get_run(self, run_id: str) -> RunRecord | None:
        """One run."""

    @abstractmethod
    async def settled(self, run_ids: Sequence[str]) -> dict[str, RunRecord]:
        """Those of these runs that have settled or are blocked."""

    @abstractmethod
    async def find_runs(self, prefix: str, limit: int) -> list[str]:
        """Ids that begin with `prefix`, for naming a run by a unique prefix."""

    @abstractmethod
    async def list_runs(self, query: RunFilter) -> RunPage:
        """Runs, newest first, without their values."""

    @abstractmethod
    async def list_steps(self, run_id: str) -> list[StepRecord]:
        """The steps of a run's present generation, in the order in which they were asked for."""

    @abstractmethod
    async def get_step_state(self, run_id: str, step_name: str) -> StepRecord | None:
        """One step of the present generation."""

    @abstractmethod
    async def list_events(self, run_id: str) -> list[RunEvent]:
        """The event log of a run, oldest first, all generations."""

    @abstractmethod
    async def live_workers(self) -> list[WorkerInfo]:
        """Workers whose lease is good, as far as the store can tell now."""
