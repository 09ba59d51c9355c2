"""Collection: runs past their retention are purged, and orphans are swept. Nothing that a row needs is ever deleted.

A crash between a put and its commit leaves an object that no row refers to. A sweep finds it by listing the store, and
deletes it in three steps: it is past its grace; the ledger bars its key; the object is deleted. The bar is a
transaction of the state's database, which passes over every key that a row needs, and a commit that refers to a barred
key is refused. So neither clocks nor grace decide what is safe: the grace only keeps a sweep from getting in the way of
writers whose commit is still to come.

A bar outlives its deletion by days, so that a deletion that comes late (its process was stopped, its network slow)
still finds the key barred, and nothing new under it. So does a commit that comes late: between a put and its commit no
more than `COMMIT_SECONDS` may pass, or the value is put anew (`Keeper.confirm`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyflow_core.clock import uptime
from pyflow_core.errors import PayloadError, StoreError
from pyflow_core.payload.configuration import GRACE_SECONDS as CONFIG_GRACE_SECONDS
from pyflow_core.payload.key import CONFIGS_PREFIX, PAYLOADS_PREFIX, is_config_key, parse_key
from pyflow_core.ports.metric import NO_METRICS, ORPHANS_DELETED, ORPHANS_FOUND, PURGED_RUNS
from pyflow_core.ports.payload import PROBE_PREFIX, is_probe_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadLedger, PayloadService, PurgedRun, StoredObject

HOUR = 3600.0
DAY = 24 * HOUR
COMMIT_SECONDS = HOUR
"""A commit may come so long after its put; tombstones last far longer."""
_BATCH = 200
_SHOWN_REASON = 300


@dataclass(frozen=True, slots=True)
class CollectionPolicy:
    """How long things are left alone, in seconds.

    `grace_seconds`: an object that nobody refers to, since it was written. `config_grace_seconds`: a configuration,
    which may be saved long before the run that it is for. `tombstone_seconds`: a barred key, before it may be used
    again; far longer than any deletion takes. `deletion_seconds`: a deletion that has not begun so long
    after its listing is given up, and taken up by the next sweep.
    """

    grace_seconds: float = DAY
    config_grace_seconds: float = CONFIG_GRACE_SECONDS
    tombstone_seconds: float = 7 * DAY
    deletion_seconds: float = HOUR

    def __post_init__(self) -> None:
        if not 0 < 2 * self.deletion_seconds <= self.tombstone_seconds:
            raise ValueError("a tombstone must outlive the deletion that it guards, by far")

    def grace_of(self, key: str) -> float:
        """How long an object of this key is left alone."""
        return self.config_grace_seconds if is_config_key(key) else self.grace_seconds


@dataclass(slots=True)
class CollectionReport:
    """What a collection did. `orphans` are keys by store; in a dry run none of them was deleted.

    `failures` are runs whose purge did not get through, each with the reason; they are tried again.
    """

    listed: int = 0
    young: int = 0
    orphans: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    deleted: int = 0
    abandoned: int = 0
    purged: list[str] = field(default_factory=list[str])
    failures: dict[str, str] = field(default_factory=dict[str, str])
    forgotten_tombstones: int = 0


def past_grace(listed: Iterable[StoredObject], now: float, policy: CollectionPolicy) -> list[str]:
    """The keys of objects that are old enough to be looked at. `now` is on the store's clock."""
    return [item.key for item in listed if item.modified_at <= now - policy.grace_of(item.key)]


def may_be_swept(key: str) -> bool:
    """Whether a sweep may judge an object by its key.

    What is no payload's key is left alone. What a step stored beside its result lives as long as its run, which the
    ledger can only tell of a run whose id stands in the key whole; the purge of the run reaches the rest.
    """
    if is_config_key(key):
        return True
    parts = parse_key(key)
    return parts is not None and (parts.run_id is not None or not parts.lives_with_run)


class Collector:
    """Collects in some stores, by the ledger of one state. Any number of collectors may run at once."""

    def __init__(
        self,
        stores: Sequence[PayloadService],
        ledger: PayloadLedger,
        policy: CollectionPolicy | None = None,
        *,
        uptime: Callable[[], float] = uptime,
        metrics: MetricService = NO_METRICS,
    ) -> None:
        self._stores = stores
        self._ledger = ledger
        self._policy = policy or CollectionPolicy()
        self._uptime = uptime
        self._metrics = metrics

    async def sweep(self, *, dry_run: bool = False) -> CollectionReport:
        """Delete orphans that are past their grace; in a dry run, only find them.

        Raises:
            PayloadError, StoreError: a store could not be used; what was begun is taken up by the next sweep.
        """
        report = CollectionReport()
        for store in self._stores:
            await self._sweep_store(store, report, dry_run=dry_run)
            await self._sweep_probes(store, report, dry_run=dry_run)
        if not dry_run:
            report.forgotten_tombstones = await self._ledger.unbar(self._policy.tombstone_seconds)
        return report

    async def purge(self, retention_seconds: float, *, limit: int = 100) -> CollectionReport:
        """Delete runs that ended before that: mark them, delete what they stored, delete their rows.

        A run whose purge fails is noted and does not hold up the others. What another run refers to stays.
        """
        report = CollectionReport()
        for run in await self._ledger.expired_runs(retention_seconds, limit):
            try:
                complete = await self._purge_run(run, report)
            except (PayloadError, StoreError) as error:
                report.failures[run.run_id] = error.message[:_SHOWN_REASON]
                await self._ledger.note_failure(run.run_id, error.message[:_SHOWN_REASON])
                continue
            if complete:
                await self._ledger.forget_run(run.run_id)
                report.purged.append(run.run_id)
                self._metrics.count(PURGED_RUNS)
        return report

    async def _sweep_store(self, store: PayloadService, report: CollectionReport, *, dry_run: bool) -> None:
        begun, now = self._uptime(), await store.now()
        async for batch in _batches(_swept_objects(store)):
            report.listed += len(batch)
            old = past_grace(batch, now, self._policy)
            report.young += len(batch) - len(old)
            candidates = [key for key in old if may_be_swept(key)]
            orphans = sorted(await self._ledger.unreferenced(candidates)) if candidates else []
            if orphans:
                report.orphans.setdefault(store.name, []).extend(orphans)
                self._metrics.count(ORPHANS_FOUND, len(orphans), store=store.name)
            if orphans and not dry_run:
                deleted = await self._delete(store, orphans, begun, report)
                self._metrics.count(ORPHANS_DELETED, deleted, store=store.name)
            begun = self._uptime()

    async def _sweep_probes(self, store: PayloadService, report: CollectionReport, *, dry_run: bool) -> None:
        """What probes have left behind that were killed. Their keys are never used again, so none need be barred."""
        now = await store.now()
        async for batch in _batches(store.objects(PROBE_PREFIX)):
            report.listed += len(batch)
            old = past_grace(batch, now, self._policy)
            report.young += len(batch) - len(old)
            probes = sorted(key for key in old if is_probe_key(key))
            if probes:
                report.orphans.setdefault(store.name, []).extend(probes)
            if probes and not dry_run:
                await store.delete(probes)
                report.deleted += len(probes)

    async def _purge_run(self, run: PurgedRun, report: CollectionReport) -> bool:
        """Whether all that may be deleted is."""
        before = report.abandoned
        for store in self._stores:
            begun = self._uptime()
            async for batch in _batches(store.objects(run.prefix)):
                report.listed += len(batch)
                await self._delete(store, [item.key for item in batch], begun, report)
                begun = self._uptime()
        return report.abandoned == before

    async def _delete(self, store: PayloadService, keys: list[str], begun: float, report: CollectionReport) -> int:
        """Bar, then delete what is barred; how many. `begun` is the uptime at which their listing began."""
        barred = [] if self._is_late(begun) else sorted(await self._ledger.bar(keys))
        if self._is_late(begun):
            # What was listed may be another object by now, and a tombstone may not last until the store has heard.
            report.abandoned += len(keys)
            return 0
        await store.delete(barred)
        report.deleted += len(barred)
        return len(barred)

    def _is_late(self, begun: float) -> bool:
        """Whether this process stood still for so long that it had better begin anew."""
        return self._uptime() - begun > self._policy.deletion_seconds


async def _swept_objects(store: PayloadService) -> AsyncIterator[StoredObject]:
    for prefix in (PAYLOADS_PREFIX, CONFIGS_PREFIX):
        async for item in store.objects(prefix):
            yield item


async def _batches(items: AsyncIterator[StoredObject]) -> AsyncIterator[list[StoredObject]]:
    batch: list[StoredObject] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
