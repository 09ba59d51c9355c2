"""The ledger of payloads in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from typing_extensions import override

from pyflow_core.payload.key import parse_key, run_prefix
from pyflow_core.ports.payload import PayloadLedger, Purge, PurgedRun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from pyflow_services.memory.table import RunRow, Tables

T = TypeVar("T")


class Answer(Protocol):
    """How the service runs a transition."""

    def __call__(self, transition: Callable[[], T], /) -> Awaitable[T]:
        """Run it, and give what it gives."""
        ...


class MemoryPayloadLedger(PayloadLedger):
    """The ledger of a memory store."""

    def __init__(self, tables: Tables, answer: Answer) -> None:
        self._tables = tables
        self._answer = answer

    @override
    async def now(self) -> float:
        return self._tables.clock()

    @override
    async def unreferenced(self, keys: Collection[str]) -> set[str]:
        return await self._answer(partial(_unneeded, self._tables, keys))

    @override
    async def live_keys(self, after: int, limit: int) -> tuple[set[str], int | None]:
        return await self._answer(partial(_live_keys, self._tables, after, limit))

    @override
    async def bar(self, keys: Collection[str]) -> set[str]:
        return await self._answer(partial(_bar, self._tables, keys))

    @override
    async def unbar(self, older_than_seconds: float) -> int:
        return await self._answer(partial(_unbar, self._tables, older_than_seconds))

    @override
    async def expired_runs(self, retention_seconds: float, limit: int) -> list[PurgedRun]:
        return await self._answer(partial(_expire, self._tables, retention_seconds, limit))

    @override
    async def forget_run(self, run_id: str) -> None:
        await self._answer(partial(_forget, self._tables, run_id))

    @override
    async def note_failure(self, run_id: str, message: str) -> None:
        await self._answer(partial(_note_failure, self._tables, run_id, message))

    @override
    async def purge_of(self, run_id: str) -> Purge | None:
        return await self._answer(partial(_purge_of, self._tables, run_id))


def _unneeded(tables: Tables, keys: Collection[str]) -> set[str]:
    return {key for key in keys if not _is_needed(tables, key)}


def _is_needed(tables: Tables, key: str) -> bool:
    """Whether a row refers to it, or it belongs to a run that may be about to."""
    rows = (tables.runs[run_id] for run_id in tables.payloads.runs_of.get(key, ()))
    if any(row.purging_at is None for row in rows):
        return True
    parts = parse_key(key)
    if parts is None or parts.run_id is None:
        return False
    owner = tables.runs.get(parts.run_id)
    if owner is None or owner.purging_at is not None:
        return False
    return parts.lives_with_run or not owner.record.status.settled


def _live_keys(tables: Tables, after: int, limit: int) -> tuple[set[str], int | None]:
    rows = sorted(tables.runs.values(), key=lambda row: row.place)
    live = [row for row in rows if row.place >= after and not row.record.status.settled][:limit]
    keys = {key for row in live for key in tables.payloads.keys_of(row.record.run_id)}
    return keys, live[-1].place + 1 if len(live) == limit else None


def _bar(tables: Tables, keys: Collection[str]) -> set[str]:
    with tables.commit("bar"):
        now = tables.clock()
        for key in _unneeded(tables, keys):
            tables.payloads.tombstones[key] = now
        return {key for key in keys if key in tables.payloads.tombstones}


def _unbar(tables: Tables, older_than_seconds: float) -> int:
    until = tables.clock() - older_than_seconds
    old = [key for key, at in tables.payloads.tombstones.items() if at <= until]
    with tables.commit("unbar"):
        for key in old:
            del tables.payloads.tombstones[key]
    return len(old)


def _expire(tables: Tables, retention_seconds: float, limit: int) -> list[PurgedRun]:
    until = tables.clock() - retention_seconds
    ended = [(row.record.finished_at, row) for row in tables.runs.values() if row.purging_at is None]
    due = sorted(
        ((at, row) for at, row in ended if at is not None and at <= until and row.record.status.settled),
        key=lambda pair: pair[0],
    )
    with tables.commit("expire_runs"):
        for _, row in due[:limit]:
            row.purging_at = tables.clock()
    marked = sorted((row for row in tables.runs.values() if row.purging_at is not None), key=_marked_at)
    return [_purged(row) for row in marked[:limit]]


def _marked_at(row: RunRow) -> tuple[float, int]:
    return row.purging_at or 0.0, row.place


def _purged(row: RunRow) -> PurgedRun:
    record = row.record
    return PurgedRun(record.run_id, run_prefix(record.tenant, record.workflow, record.run_id))


def _forget(tables: Tables, run_id: str) -> None:
    row = tables.runs.get(run_id)
    if row is not None and row.purging_at is not None:
        with tables.commit("forget_run"):
            tables.remove_run(row)


def _note_failure(tables: Tables, run_id: str, message: str) -> None:
    row = tables.runs.get(run_id)
    if row is not None and row.purging_at is not None:
        with tables.commit("note_purge_failure"):
            row.purging_at, row.purge_error = tables.clock(), message


def _purge_of(tables: Tables, run_id: str) -> Purge | None:
    row = tables.runs.get(run_id)
    return None if row is None or row.purging_at is None else Purge(row.purge_error)
