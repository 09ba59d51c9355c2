"""The rows of the memory store, and the small changes that every transition is made of.

A row's records are frozen; a change puts a new record in its place and keeps the indexes in line with it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import (
    Entry,
    EntryType,
    Numbered,
    RunEvent,
    RunHistory,
    RunRecord,
    RunStatus,
    StepForm,
    StepRecord,
    StepStatus,
    WorkerInfo,
)
from pyflow_services.memory.index import Catalogue, DueIndex, Outbox, ReadyIndex, StepKey
from pyflow_services.memory.referred import ReferredPayloads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

OPEN_STEPS = frozenset({StepStatus.PENDING, StepStatus.RUNNING})
BY_SETTLEMENT = math.inf
"""In `RunRow.dropped`: the step was cancelled because its run ended."""


@dataclass(slots=True)
class RunRow:
    """A run with all that belongs to it.

    `dropped` remembers how far the execution had been fed when it cancelled a step, so that a re-drive can tell what
    was cancelled because of a failure from what the workflow had cancelled before it.
    """

    record: RunRecord
    place: int
    last_owner: str | None = None
    blocked_hash: str | None = None
    purging_at: float | None = None
    """Set once the run may never be opened again, because its payloads are deleted."""
    purge_error: str | None = None
    inline_bytes: dict[str, int] = field(default_factory=dict[str, int])
    """What the run held inline when it asked for each step."""
    steps: dict[str, StepRecord] = field(default_factory=dict[str, StepRecord])
    numbered: list[tuple[int, str | Entry]] = field(default_factory=list[tuple[int, "str | Entry"]])
    dropped: dict[str, float] = field(default_factory=dict[str, float])
    archive: list[tuple[int, StepRecord]] = field(default_factory=list[tuple[int, StepRecord]])
    events: list[RunEvent] = field(default_factory=list[RunEvent])

    def entries(self) -> tuple[Entry, ...]:
        """What has a number and is no step."""
        return tuple(what for _, what in self.numbered if isinstance(what, Entry))

    def history(self) -> RunHistory:
        """All that a replay needs."""
        return RunHistory(self.record, self.steps_as_asked(), self.entries())

    def steps_as_asked(self) -> tuple[StepRecord, ...]:
        """The steps in the order in which they were asked for; an inline step's row is written at its end only."""
        return tuple(sorted(self.steps.values(), key=lambda step: step.asked_at))

    def after(self, seq: int) -> tuple[Numbered, ...]:
        """What has a number above `seq`."""
        start = bisect_right(self.numbered, seq, key=lambda pair: pair[0])
        return tuple(self._numbered(number, what) for number, what in self.numbered[start:])

    def _numbered(self, number: int, what: str | Entry) -> Numbered:
        if isinstance(what, Entry):
            return Numbered(number, entry=what)
        return Numbered(number, step=self.steps[what])


@dataclass(slots=True)
class Lease:
    """A worker and when its lease ends. `dead` is a test's word that its process is gone."""

    worker: WorkerInfo
    expires_at: float
    dead: bool = False


class Tables:
    """All rows and indexes. Not locked: the service does that."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.fault: Callable[[str], None] | None = None
        self.commits = 0
        self.news = False
        self.runs: dict[str, RunRow] = {}
        self.leases: dict[str, Lease] = {}
        self.owned: dict[str, dict[str, None]] = defaultdict(dict)
        self.held: dict[str, dict[StepKey, None]] = defaultdict(dict)
        self.blocked: dict[str, dict[str, None]] = defaultdict(dict)
        self.ready = ReadyIndex()
        self.due = DueIndex()
        self.outbox = Outbox()
        self.catalogue = Catalogue()
        self.payloads = ReferredPayloads()
        self._event_ids = count(1)

    @contextmanager
    def commit(self, operation: str, *, news: bool = False) -> Generator[None]:
        """Around what one commit writes. All checks come before it, so that its body cannot fail half-way."""
        self._strike(f"{operation}:before")
        yield
        self.commits += 1
        self.news = self.news or news
        self._strike(f"{operation}:after")

    def _strike(self, point: str) -> None:
        if self.fault is not None:
            self.fault(point)

    # --- runs

    def add_run(self, record: RunRecord) -> RunRow:
        """Enter a new run, without an owner and not ready."""
        place = self.catalogue.add(record.run_id, record.workflow, record.tags, record.status)
        row = self.runs[record.run_id] = RunRow(record, place)
        return row

    def remove_run(self, row: RunRow) -> None:
        """Forget a settled run."""
        record = row.record
        del self.runs[record.run_id]
        self.catalogue.remove(row.place, record.workflow, record.tags, record.status)
        self.payloads.forget(record.run_id)

    def change_run(self, row: RunRow, **changes: Any) -> None:
        """Replace a run's record and keep the indexes of owners and statuses in line."""
        old = row.record
        row.record = new = replace(old, updated_at=self.clock(), **changes)
        if new.owner != old.owner:
            self._change_owner(old, new)
        if new.status is not old.status:
            self._change_status(row, old.status)

    def _change_owner(self, old: RunRecord, new: RunRecord) -> None:
        if old.owner is not None:
            self.owned[old.owner].pop(old.run_id, None)
        if new.owner is not None:
            self.owned[new.owner][new.run_id] = None
            self.not_ready(new.run_id)

    def _change_status(self, row: RunRow, old: RunStatus) -> None:
        record = row.record
        self.catalogue.restate(row.place, old, record.status)
        if old is RunStatus.BLOCKED:
            self.blocked[record.workflow].pop(record.run_id, None)
        if record.status is RunStatus.BLOCKED:
            self.blocked[record.workflow][record.run_id] = None
        if record.status is RunStatus.BLOCKED or record.status.settled:
            self.not_ready(record.run_id)

    def wake(self, row: RunRow) -> None:
        """Make a run ready, unless somebody drives it, it is ready already, or it cannot go on."""
        record = row.record
        can_go_on = record.status in {RunStatus.RUNNING, RunStatus.WAITING}
        if record.owner is not None or not can_go_on or record.run_id in self.ready:
            return
        now = self.clock()
        self.ready.add(record.run_id, record.workflow, row.last_owner, now)
        self.outbox.add((record.run_id, None), now)

    def not_ready(self, run_id: str) -> None:
        """Take a run off the ready list."""
        self.ready.discard(run_id)
        self.outbox.discard((run_id, None))

    def number(self, row: RunRow, what: str | EntryType) -> int:
        """Give the next number of a run to a step or an entry; whoever takes one shows that the run gets on."""
        seq = row.record.seq + 1
        self.change_run(row, seq=seq, takeovers=0)
        row.numbered.append((seq, Entry(seq, what, self.clock()) if isinstance(what, EntryType) else what))
        return seq

    # --- steps

    def put_step(self, row: RunRow, step: StepRecord) -> None:
        """Write a step and keep the indexes of pending and held steps in line."""
        key = (step.run_id, step.step_name)
        old = row.steps.get(step.step_name)
        if old is not None and old.worker is not None:
            self.held[old.worker].pop(key, None)
        self._forget_pending(key)
        row.steps[step.step_name] = step
        if step.status is StepStatus.RUNNING and step.worker is not None:
            self.held[step.worker][key] = None
        if step.status is StepStatus.PENDING and step.form is StepForm.RPC and step.queue is not None:
            now = self.clock()
            self.due.add(key, step.queue, now if step.due_at is None else step.due_at)
            self.outbox.add(key, now)

    def remove_step(self, row: RunRow, step_name: str) -> None:
        """Take a step away, for the archive."""
        step = row.steps.pop(step_name)
        row.dropped.pop(step_name, None)
        self._forget_pending((step.run_id, step_name))

    def withhold(self, key: StepKey) -> None:
        """Let nobody claim a pending step until its run is unblocked."""
        self._forget_pending(key)

    def offer_withheld(self, row: RunRow) -> None:
        """Let the pending steps of a run be claimed that were withheld."""
        for step in list(row.steps.values()):
            if self.is_withheld(step):
                self.put_step(row, step)

    def is_withheld(self, step: StepRecord) -> bool:
        """Whether a step is pending and nobody can claim it."""
        is_waiting = step.status is StepStatus.PENDING and step.form is StepForm.RPC
        return is_waiting and (step.run_id, step.step_name) not in self.due

    def _forget_pending(self, key: StepKey) -> None:
        self.due.discard(key)
        self.outbox.discard(key)

    def free_step(self, row: RunRow, step: StepRecord, *, due_at: float | None = None, **changes: Any) -> None:
        """Make a running step pending again; one that was asked to stop ends here, since nobody wants it."""
        freed = replace(step, worker=None, due_at=due_at, **changes)
        if freed.cancel_requested:
            self.cancel_step(row, freed)
        else:
            self.put_step(row, replace(freed, status=StepStatus.PENDING))

    def cancel_step(self, row: RunRow, step: StepRecord) -> None:
        """End an open step without a number."""
        self.put_step(row, replace(step, status=StepStatus.CANCELLED, due_at=None, finished_at=self.clock()))
        self.tell(row, EventType.STEP_CANCELLED, step=step)

    # --- events

    def tell(
        self,
        row: RunRow,
        kind: EventType,
        *,
        seq: int | None = None,
        step: StepRecord | None = None,
        worker: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Append an event to the run's log."""
        row.events.append(
            RunEvent(
                id=next(self._event_ids),
                run_id=row.record.run_id,
                generation=row.record.generation,
                type=kind.value,
                seq=seq,
                step_name=None if step is None else step.step_name,
                attempt=None if step is None else step.attempts,
                worker=worker,
                at=self.clock(),
                detail=detail,
            )
        )
