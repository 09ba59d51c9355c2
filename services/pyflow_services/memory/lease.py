"""The leases of workers, and what becomes of their work when they leave or die."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.ports.event import EventType
from pyflow_services.memory.table import Lease, Tables

if TYPE_CHECKING:
    from pyflow_core.ports.state import StepRecord, WorkerInfo
    from pyflow_services.memory.table import RunRow


def join(tables: Tables, worker: WorkerInfo) -> None:
    """Register a lease."""
    with tables.commit("join"):
        tables.leases[worker.worker_id] = Lease(worker, tables.clock() + worker.lease_seconds)


def renew(tables: Tables, worker_id: str) -> bool:
    """Renew a lease; False if it is gone."""
    lease = tables.leases.get(worker_id)
    if lease is None or lease.dead:
        return False
    with tables.commit("renew"):
        lease.expires_at = tables.clock() + lease.worker.lease_seconds
    return True


def live(tables: Tables) -> list[WorkerInfo]:
    """Workers whose lease is good."""
    return [lease.worker for lease in tables.leases.values() if not _is_over(tables, lease)]


def _is_over(tables: Tables, lease: Lease) -> bool:
    return lease.dead or lease.expires_at <= tables.clock()


def leave(tables: Tables, worker_id: str) -> None:
    """Give up a lease; nothing of it counts as a death."""
    if worker_id not in tables.leases:
        return
    with tables.commit("leave", news=True):
        del tables.leases[worker_id]
        for row, step in _held_steps(tables, worker_id):
            release(tables, row, step, worker_id)
        for row in _owned_runs(tables, worker_id):
            row.last_owner = None
            tables.change_run(row, owner=None)
            tables.tell(row, EventType.RUN_RELEASED, worker=worker_id)
            tables.wake(row)


def release(tables: Tables, row: RunRow, step: StepRecord, worker_id: str) -> None:
    """Make a running step pending again, the attempt not counted."""
    tables.tell(row, EventType.STEP_RELEASED, step=step, worker=worker_id)
    tables.free_step(row, step, attempts=step.attempts - 1)


def reap(tables: Tables) -> tuple[str, ...]:
    """Free what dead workers hold."""
    dead = tuple(worker_id for worker_id, lease in tables.leases.items() if _is_over(tables, lease))
    if dead:
        with tables.commit("reap", news=True):
            for worker_id in dead:
                _bury(tables, worker_id)
    return dead


def _bury(tables: Tables, worker_id: str) -> None:
    del tables.leases[worker_id]
    for row, step in _held_steps(tables, worker_id):
        tables.tell(row, EventType.STEP_WORKER_LOST, step=step, worker=worker_id)
        tables.free_step(row, step, attempts=step.attempts - 1, deaths=step.deaths + 1, epoch=step.epoch + 1)
    for row in _owned_runs(tables, worker_id):
        row.last_owner = None
        record = row.record
        tables.change_run(row, owner=None, takeovers=record.takeovers + 1, epoch=record.epoch + 1)
        tables.tell(row, EventType.RUN_TAKEN_OVER, worker=worker_id)
        tables.wake(row)


def _held_steps(tables: Tables, worker_id: str) -> list[tuple[RunRow, StepRecord]]:
    held = tables.held.pop(worker_id, {})
    return [(row, row.steps[name]) for run_id, name in held for row in (tables.runs[run_id],)]


def _owned_runs(tables: Tables, worker_id: str) -> list[RunRow]:
    return [tables.runs[run_id] for run_id in tables.owned.pop(worker_id, {})]
