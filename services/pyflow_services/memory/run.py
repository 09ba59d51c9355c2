"""What callers and operators do to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import OMITTED, CreatedRun, EntryType, NewRun, RunRecord, RunStatus, Settlement
from pyflow_services.memory.activation import settle
from pyflow_services.memory.redrive import unblock

if TYPE_CHECKING:
    from pyflow_services.memory.table import RunRow, Tables

_CANCELLED = Settlement(RunStatus.CANCELLED, OMITTED, None)


def create(tables: Tables, run: NewRun, claim_for: str | None) -> CreatedRun:
    """Create a run, once for each id."""
    known = tables.runs.get(run.run_id)
    if known is not None:
        record = known.record
        return CreatedRun(
            record.run_id, record.workflow, record.status, created=False, epoch=None, created_at=record.created_at
        )
    # A worker without a lease would own it for ever, because nobody would reap that worker.
    owner = claim_for if claim_for in tables.leases else None
    tables.payloads.check([run.input])
    with tables.commit("create_run", news=owner is None):
        row = tables.add_run(_new_record(tables, run))
        tables.payloads.refer(run.run_id, run.input)
        tables.tell(row, EventType.RUN_CREATED)
        if owner is None:
            tables.wake(row)
        else:
            tables.change_run(row, owner=owner, epoch=1)
            tables.tell(row, EventType.RUN_CLAIMED, worker=owner)
    record = row.record
    epoch = None if owner is None else record.epoch
    return CreatedRun(
        record.run_id, record.workflow, record.status, created=True, epoch=epoch, created_at=record.created_at
    )


def _new_record(tables: Tables, run: NewRun) -> RunRecord:
    now = tables.clock()
    return RunRecord(
        run_id=run.run_id,
        workflow=run.workflow,
        status=RunStatus.RUNNING,
        input=run.input,
        output=OMITTED,
        error=None,
        code_hash=run.code_hash,
        generation=1,
        seq=0,
        epoch=0,
        owner=None,
        takeovers=0,
        tags=tuple(run.tags),
        actor=run.actor,
        tenant=run.tenant,
        created_at=now,
        updated_at=now,
        finished_at=None,
    )


def request_cancel(tables: Tables, row: RunRow) -> RunStatus:
    """Enter a cancel request, once; the status before."""
    before = row.record.status
    if before.settled or (row.entries() and before is not RunStatus.BLOCKED):
        return before
    with tables.commit("request_cancel", news=True):
        if before is RunStatus.BLOCKED:
            settle(tables, row, _CANCELLED, None)
        else:
            seq = tables.number(row, EntryType.CANCEL)
            tables.tell(row, EventType.RUN_CANCEL_REQUESTED, seq=seq)
            tables.wake(row)
    return before


def unblock_all(tables: Tables, workflow: str, code_hash: str) -> int:
    """Make ready the runs that were blocked under another code hash."""
    rows = [tables.runs[run_id] for run_id in tables.blocked.get(workflow, {})]
    others = [row for row in rows if row.blocked_hash != code_hash]
    if others:
        with tables.commit("unblock", news=True):
            for row in others:
                unblock(tables, row)
    return len(others)
