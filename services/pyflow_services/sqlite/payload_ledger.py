"""Which payloads are referred to, and which may never be again: what collection asks of the store.

A key is referred to or barred, never both. Both sides of that rule are transactions of this database, so it holds
whatever clocks, collectors and late workers do.
"""

# ruff: noqa: S608 - statements are put together from constants of this module; values are always bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from pyflow_core.payload.key import parse_key, run_prefix
from pyflow_core.ports.payload import PayloadLedger, Purge, PurgedRun
from pyflow_services.sqlite.writer import Operation, each

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from pyflow_services.sqlite.service import SqliteStateService
    from pyflow_services.sqlite.transaction import Transaction


# A run that has not settled may be about to refer to what its steps have stored; files and parts, to which values hold
# handles, are kept as long as their run.
_NEEDED = """
    EXISTS (
        SELECT 1 FROM payload_references AS p JOIN runs AS r ON r.id = p.run
        WHERE p.key = json_extract(k.value, '$[0]') AND r.purging_at IS NULL
    ) OR EXISTS (
        SELECT 1 FROM runs AS r
        WHERE r.run_id = json_extract(k.value, '$[1]') AND r.purging_at IS NULL
        AND (json_extract(k.value, '$[2]') OR r.status IN ('running', 'waiting', 'blocked'))
    )
"""


def _with_runs(keys: Collection[str]) -> str:
    """The keys, each with the run that it says it belongs to, and whether it is kept as long as that."""
    rows: list[tuple[str, str | None, bool]] = []
    for key in keys:
        parts = parse_key(key)
        rows.append((key, None, False) if parts is None else (key, parts.run_id, parts.lives_with_run))
    return json.dumps(rows, ensure_ascii=False)


def unreferenced(database: sqlite3.Connection, keys: Collection[str]) -> set[str]:
    """Those of these keys that no row needs."""
    found = database.execute(
        f"SELECT json_extract(k.value, '$[0]') FROM json_each(?) AS k WHERE NOT ({_NEEDED})", [_with_runs(keys)]
    )
    return {row[0] for row in found.fetchall()}


def live_keys(database: sqlite3.Connection, after: int, limit: int) -> tuple[set[str], int | None]:
    """What unsettled runs behind this one refer to, and the last of them that was looked at."""
    runs = database.execute(
        """
        SELECT id FROM runs WHERE id > ? AND status IN ('running', 'waiting', 'blocked') ORDER BY id LIMIT ?
        """,
        [after, limit],
    ).fetchall()
    found = database.execute(
        "SELECT DISTINCT key FROM payload_references WHERE run IN (SELECT value FROM json_each(?))",
        [json.dumps([row[0] for row in runs])],
    )
    return {row[0] for row in found.fetchall()}, runs[-1][0] if len(runs) == limit else None


def bar(transaction: Transaction, keys: Collection[str]) -> set[str]:
    """Bar those of these keys that no row needs; those that are barred now."""
    transaction.cursor.execute(
        f"""
        INSERT INTO payload_tombstones (key, at)
        SELECT json_extract(k.value, '$[0]'), ? FROM json_each(?) AS k WHERE NOT ({_NEEDED})
        ON CONFLICT (key) DO UPDATE SET at = excluded.at
        """,
        [transaction.now, _with_runs(keys)],
    )
    found = transaction.all(
        "SELECT key FROM payload_tombstones WHERE key IN (SELECT value FROM json_each(?))", [json.dumps(list(keys))]
    )
    return {row[0] for row in found}


def unbar(transaction: Transaction, older_than_seconds: float) -> int:
    """Forget tombstones of that age; how many."""
    until = transaction.now - older_than_seconds
    return transaction.cursor.execute("DELETE FROM payload_tombstones WHERE at <= ?", [until]).rowcount


class Expiry(NamedTuple):
    """Which runs are to be purged: those that ended so long ago, and how many at most."""

    retention_seconds: float
    limit: int


def expire(transaction: Transaction, expiry: Expiry) -> list[PurgedRun]:
    """Mark runs that ended before that; those marked before come first."""
    transaction.cursor.execute(
        """
        UPDATE runs SET purging_at = :now WHERE id IN (
            SELECT id FROM runs
            WHERE purging_at IS NULL AND finished_at <= :until AND status IN ('completed', 'failed', 'cancelled')
            ORDER BY finished_at LIMIT :limit
        )
        """,
        {"now": transaction.now, "until": transaction.now - expiry.retention_seconds, "limit": expiry.limit},
    )
    found = transaction.all(
        """
        SELECT i.tenant, r.workflow, r.run_id FROM runs AS r JOIN run_inputs AS i ON i.run = r.id
        WHERE r.purging_at IS NOT NULL ORDER BY r.purging_at, r.id LIMIT ?
        """,
        [expiry.limit],
    )
    return [PurgedRun(run_id, run_prefix(tenant, workflow, run_id)) for tenant, workflow, run_id in found]


def forget(transaction: Transaction, run_id: str) -> None:
    """Delete a marked run with all that belongs to it."""
    transaction.cursor.execute("DELETE FROM runs WHERE run_id = ? AND purging_at IS NOT NULL", [run_id])


class PurgeFailure(NamedTuple):
    """Why the purge of a run did not get through."""

    run_id: str
    message: str


def note_failure(transaction: Transaction, failure: PurgeFailure) -> None:
    """Record it on the run, which is tried again after the others."""
    transaction.cursor.execute(
        "UPDATE runs SET purge_error = ?, purging_at = ? WHERE run_id = ? AND purging_at IS NOT NULL",
        [failure.message, transaction.now, failure.run_id],
    )


def purge_of(database: sqlite3.Connection, run_id: str) -> Purge | None:
    """The purge of a run, if it is marked."""
    row = database.execute(
        "SELECT purge_error FROM runs WHERE run_id = ? AND purging_at IS NOT NULL", [run_id]
    ).fetchone()
    return None if row is None else Purge(row[0])


_BAR: Operation[Collection[str], set[str]] = each("bar", bar)
_UNBAR: Operation[float, int] = each("unbar", unbar)
_EXPIRE: Operation[Expiry, list[PurgedRun]] = each("expire_runs", expire)
_FORGET: Operation[str, None] = each("forget_run", forget)
_NOTE_FAILURE: Operation[PurgeFailure, None] = each("note_purge_failure", note_failure)


class SqlitePayloadLedger(PayloadLedger):
    """The ledger of a SQLite store, through its service's connections."""

    def __init__(self, service: SqliteStateService) -> None:
        self._service = service

    @override
    async def now(self) -> float:
        return self._service.now()

    @override
    async def unreferenced(self, keys: Collection[str]) -> set[str]:
        return await self._service.read(lambda database: unreferenced(database, keys))

    @override
    async def live_keys(self, after: int, limit: int) -> tuple[set[str], int | None]:
        return await self._service.read(lambda database: live_keys(database, after, limit))

    @override
    async def bar(self, keys: Collection[str]) -> set[str]:
        return await self._service.write(_BAR, keys)

    @override
    async def unbar(self, older_than_seconds: float) -> int:
        return await self._service.write(_UNBAR, older_than_seconds)

    @override
    async def expired_runs(self, retention_seconds: float, limit: int) -> list[PurgedRun]:
        return await self._service.write(_EXPIRE, Expiry(retention_seconds, limit))

    @override
    async def forget_run(self, run_id: str) -> None:
        await self._service.write(_FORGET, run_id)

    @override
    async def note_failure(self, run_id: str, message: str) -> None:
        await self._service.write(_NOTE_FAILURE, PurgeFailure(run_id, message))

    @override
    async def purge_of(self, run_id: str) -> Purge | None:
        return await self._service.read(lambda database: purge_of(database, run_id))
