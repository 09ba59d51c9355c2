"""The leases of workers, and what becomes of their work when they leave or die."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always bound

from __future__ import annotations

import json
import sqlite3
import threading
from typing import TYPE_CHECKING, NamedTuple

from pyflow_core.errors import StoreUnavailableError
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import WorkerInfo
from pyflow_services.sqlite.failure import failed_write
from pyflow_services.sqlite.locks import boot_id
from pyflow_services.sqlite.schema import connect_heartbeat
from pyflow_services.sqlite.steps import free_all
from pyflow_services.sqlite.writer import Operation, each

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyflow_services.sqlite.locks import FileLock, LockFolder
    from pyflow_services.sqlite.transaction import Transaction

# --- what is written


class Joining(NamedTuple):
    """A worker that takes a lease, and when it ends if it is not renewed."""

    worker: WorkerInfo
    expires_at: float


def _join(transaction: Transaction, joining: Joining) -> None:
    worker, expires_at = joining
    transaction.cursor.execute(
        """
        INSERT INTO workers (worker_id, host, pid, boot_id, lease_seconds, expires_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (worker_id) DO UPDATE SET host = excluded.host, pid = excluded.pid, boot_id = excluded.boot_id,
            lease_seconds = excluded.lease_seconds, expires_at = excluded.expires_at
        """,
        (worker.worker_id, worker.host, worker.pid, boot_id(), worker.lease_seconds, expires_at),
    )


def _leave(transaction: Transaction, worker_id: str) -> None:
    transaction.cursor.execute("DELETE FROM workers WHERE worker_id = ?", [worker_id])
    if transaction.cursor.rowcount:
        _free(transaction, worker_id, died=False)


class Dead(NamedTuple):
    """Who seems dead: workers and listeners whose process is gone, and workers whose lease had expired by `time`."""

    gone: tuple[str, ...]
    expired: tuple[str, ...]
    listeners: tuple[str, ...]
    time: float


def _reap(transaction: Transaction, dead: Dead) -> tuple[str, ...]:
    """Whose lease has expired is asked again here: it may have been renewed since."""
    values = {"gone": json.dumps(dead.gone), "expired": json.dumps(dead.expired), "now": dead.time}
    reaped = transaction.cursor.execute(
        """
        DELETE FROM workers WHERE worker_id IN (SELECT value FROM json_each(:gone))
            OR worker_id IN (SELECT value FROM json_each(:expired)) AND expires_at <= :now
        RETURNING worker_id
        """,
        values,
    ).fetchall()
    if dead.listeners:
        transaction.cursor.execute(
            "DELETE FROM listeners WHERE listener_id IN (SELECT value FROM json_each(?))", [json.dumps(dead.listeners)]
        )
    for (worker_id,) in reaped:
        _free(transaction, worker_id, died=True)
    return tuple(sorted(row[0] for row in reaped))


JOIN: Operation[Joining, None] = each("join", _join)
LEAVE: Operation[str, None] = each("leave", _leave)
REAP: Operation[Dead, tuple[str, ...]] = each("reap", _reap)


def _free(transaction: Transaction, worker_id: str, *, died: bool) -> None:
    free_all(transaction, worker_id, died=died)
    deaths = ", takeovers = takeovers + 1, epoch = epoch + 1" if died else ""
    freed = transaction.cursor.execute(
        f"""
        UPDATE runs SET owner = NULL, last_owner = NULL, ready_at = :now, queued_at = NULL, updated_at = :now {deaths}
        WHERE owner = :worker
        RETURNING id, generation
        """,
        {"now": transaction.now, "worker": worker_id},
    ).fetchall()
    kind = EventType.RUN_TAKEN_OVER if died else EventType.RUN_RELEASED
    for run, generation in freed:
        transaction.tell(run, generation, kind, worker=worker_id)
        transaction.news = True


# --- who is alive


class Census:
    """Tells the living from the dead by the locks of their processes and the expiry of their leases."""

    def __init__(self, folder: LockFolder, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock

    def find_dead(self, cursor: sqlite3.Cursor) -> tuple[Dead, list[FileLock]]:
        """Who seems dead, with the locks that were taken to tell: they keep others from burying the same."""
        gone: list[str] = []
        expired: list[str] = []
        locks: list[FileLock] = []
        now = self._clock()
        workers = cursor.execute("SELECT worker_id, boot_id, expires_at FROM workers").fetchall()
        heard = cursor.execute("SELECT listener_id, boot_id FROM listeners").fetchall()
        for worker_id, its_boot, expires_at in workers:
            if self._is_gone(worker_id, its_boot, locks):
                gone.append(worker_id)
            elif expires_at <= now:
                expired.append(worker_id)
        listeners = [listener_id for listener_id, its_boot in heard if self._is_gone(listener_id, its_boot, locks)]
        locks += self._folder.take_strays([row[0] for row in (*workers, *heard)])
        return Dead(tuple(gone), tuple(expired), tuple(listeners), now), locks

    def _is_gone(self, member: str, its_boot: str, locks: list[FileLock]) -> bool:
        if its_boot != boot_id():
            return True
        lock = self._folder.take_over(member)
        if lock is None:
            return False
        locks.append(lock)
        return True

    def live(self, cursor: sqlite3.Cursor) -> list[WorkerInfo]:
        """Workers whose lease is good and whose process is there."""
        dead, locks = self.find_dead(cursor)
        for lock in locks:
            lock.release()
        over = {*dead.gone, *dead.expired}
        rows = cursor.execute("SELECT worker_id, lease_seconds, host, pid FROM workers ORDER BY worker_id").fetchall()
        return [WorkerInfo(*row) for row in rows if row[0] not in over]


# --- heartbeats


class Heartbeat:
    """Renews leases on a connection of its own, from any thread."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def renew(self, worker_id: str) -> bool:
        """Renew a lease; False if it is gone."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = connect_heartbeat(self._path)
                cursor = self._connection.execute(
                    "UPDATE workers SET expires_at = ? + lease_seconds WHERE worker_id = ?",
                    (self._clock(), worker_id),
                )
                return cursor.rowcount == 1
            except sqlite3.Error as error:
                raise StoreUnavailableError(failed_write(self._path, error).message) from error

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
