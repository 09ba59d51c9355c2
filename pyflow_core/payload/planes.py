"""The data planes of a process: one payload store, opened when something is first put into it or read from it.

A process that only starts small runs, or only answers statuses, never opens the store.
"""

from __future__ import annotations

import asyncio
from time import time
from typing import TYPE_CHECKING

from pyflow_core.payload.cache import DEFAULT_CACHE_BYTES, PayloadCache
from pyflow_core.payload.configuration import period_of
from pyflow_core.payload.plane import DataPlane
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import PayloadWriter
from pyflow_core.ports.metric import NO_METRICS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterable

    from pyflow_core.payload.configuration import ConfigurationCache
    from pyflow_core.payload.handle import PayloadAccess
    from pyflow_core.payload.reference import Compression, Reference
    from pyflow_core.payload.scrub import Scrubber
    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadService


class DataPlanes:
    """A plane for each tenant, over a store that is open already, or over one that is made when it is needed."""

    def __init__(
        self,
        make_store: Callable[[], PayloadService] | PayloadService,
        *,
        compression: Compression = "none",
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        scrubber: Scrubber | None = None,
        metrics: MetricService = NO_METRICS,
        configurations: ConfigurationCache | None = None,
        now: Callable[[], float] = time,
    ) -> None:
        self.scrubber = scrubber
        self.metrics = metrics
        self.configurations = configurations
        self._now = now
        self._make_store = make_store if callable(make_store) else None
        self._compression: Compression = compression
        self._cache = PayloadCache(cache_bytes)
        self._made: PayloadService | None = None if callable(make_store) else make_store
        self._store = self._made
        self._opening = asyncio.Lock()
        self._is_tried = False
        self._planes: dict[str, DataPlane] = {}

    async def of(self, tenant: str, *, writes: bool = False) -> DataPlane:
        """The plane of a tenant's runs. Before the first write it is tried whether the store does what is relied on.

        Raises:
            SettingsError, MissingExtraError, PayloadStoreUnavailableError, UnsafeStoreError
        """
        plane = self._planes.get(tenant)
        if plane is None or (writes and not self._is_tried):
            store = await self._tried_store() if writes else await self.store()
            writer = PayloadWriter(store, compression=self._compression, metrics=self.metrics)
            reader = PayloadReader(
                {store.name: store},
                tenant=tenant,
                cache=self._cache,
                configurations=self.configurations,
                metrics=self.metrics,
            )
            plane = self._planes[tenant] = DataPlane(writer, reader)
        return plane

    async def store(self) -> PayloadService:
        """The store, open."""
        async with self._opening:
            if self._store is None:
                store = self._made_store()
                await store.open()
                self._store = store
            return self._store

    def make_store(self) -> None:
        """Make the store without opening it, so that what is wrong with its settings is told before it is needed.

        Raises:
            SettingsError, MissingExtraError: the store cannot be made.
        """
        self._made_store()

    def _made_store(self) -> PayloadService:
        if self._made is None:
            if self._make_store is None:
                raise AssertionError
            self._made = self._make_store()
        return self._made

    async def _tried_store(self) -> PayloadService:
        store = await self.store()
        async with self._opening:
            if not self._is_tried:
                await store.probe()
                self._is_tried = True
        return store

    async def save(self, raw: bytes, tenant: str) -> Reference:
        """Keep the JSON of a configuration.

        Raises:
            PayloadError, SettingsError, MissingExtraError: it is not kept.
        """
        plane = await self.of(tenant, writes=True)
        reference = await plane.save(raw, tenant, period_of(self._now()))
        if self.configurations is not None:
            await self.configurations.remember(reference.key, raw)
        return reference

    # --- times to live

    def shortest_ttl(self) -> float | None:
        """How soon something may go by itself that a run refers to, in seconds; None if nothing does.

        Raises:
            SettingsError, MissingExtraError: the store cannot be made.
        """
        of_cache = None if self.configurations is None else self.configurations.ttl_seconds
        return min(filter(None, (self._made_store().ttl_seconds, of_cache)), default=None)

    async def extend(self, keys: Iterable[str]) -> None:
        """Let payloads live on for the whole of their store's time to live, where it has one.

        Raises:
            PayloadError
        """
        ttl_seconds = self._made_store().ttl_seconds
        if ttl_seconds is not None:
            store = await self.store()
            for key in keys:
                await store.extend(key, ttl_seconds)

    async def extend_configurations(self, keys: Collection[str]) -> None:
        """`extend`, for configurations: in their store, and in the cache in front of it.

        Raises:
            PayloadError
        """
        await self.extend(keys)
        if self.configurations is not None:
            for key in keys:
                await self.configurations.renew(key)

    def access(self, tenant: str) -> PayloadAccess:
        """What handles of a tenant's runs load through."""
        return _Access(self, tenant)

    async def close(self) -> None:
        """Close the store, if it was opened here."""
        self._planes.clear()
        if self._make_store is not None:
            store, self._store, self._made = self._store, None, None
            if store is not None:
                await store.close()
        if self.configurations is not None:
            await self.configurations.close()


class _Access:
    def __init__(self, planes: DataPlanes, tenant: str) -> None:
        self._planes = planes
        self._tenant = tenant

    async def read(self, reference: Reference) -> bytes:
        return await (await self._planes.of(self._tenant)).reader.read(reference)

    async def open(self, reference: Reference) -> AsyncGenerator[bytes]:
        plane = await self._planes.of(self._tenant)
        async for chunk in plane.reader.open(reference):
            yield chunk

    async def range(self, reference: Reference, start: int, end: int) -> bytes:
        return await (await self._planes.of(self._tenant)).reader.range(reference, start, end)

    async def save(self, raw: bytes) -> Reference:
        return await self._planes.save(raw, self._tenant)
