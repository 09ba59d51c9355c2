"""The read path: may this reference be resolved here, fetch, open within bounds, verify, and only then give it out."""

from __future__ import annotations

from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

from pyflow_core.errors import (
    PayloadCorruptError,
    PayloadError,
    PayloadExpiredError,
    PayloadForbiddenError,
    PayloadMissingError,
)
from pyflow_core.payload.body import decompressor, most_stored_bytes, unseal, verify_hash
from pyflow_core.payload.key import belongs_to, is_config_key
from pyflow_core.payload.reference import facts_of
from pyflow_core.ports.metric import GET_SECONDS, NO_METRICS, PAYLOAD_ERRORS
from pyflow_core.ports.state import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from pyflow_core.payload.cache import PayloadCache
    from pyflow_core.payload.configuration import ConfigurationCache
    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadService


class PayloadReader:
    """Resolves references for one tenant, in the stores that are configured.

    Every method raises one of the errors of payloads, which name the reference, its run, step and attempt, sizes and
    hashes, and never what is stored. Nothing is given out that was not verified, but for the chunks of a stream, whose
    end is an error if it does not verify.
    """

    def __init__(
        self,
        stores: Mapping[str, PayloadService],
        *,
        tenant: str = DEFAULT_TENANT,
        cache: PayloadCache | None = None,
        configurations: ConfigurationCache | None = None,
        metrics: MetricService = NO_METRICS,
    ) -> None:
        self._stores = stores
        self._tenant = tenant
        self._cache = cache
        self._configurations = configurations
        self._metrics = metrics
        # Ranges are given out of objects that this process has verified whole.
        self._verified: set[tuple[str, str, str]] = set()

    async def read(self, reference: Reference) -> bytes:
        """The bytes that were written."""
        store = self.store_of(reference)
        cached = self._cache.get(reference) if self._cache is not None else None
        if cached is not None:
            return cached
        if self._configurations is not None and is_config_key(reference.key):
            raw = await self._recall(self._configurations, store, reference)
        else:
            raw = await self._get(store, reference)
        if self._cache is not None:
            self._cache.put(reference, raw)
        return raw

    async def open(self, reference: Reference) -> AsyncGenerator[bytes]:
        """The bytes in chunks, never whole in memory; a payload that does not verify ends in an error.

        So nothing that is made of the chunks may be kept before the last one has come.
        """
        store = self.store_of(reference)
        try:
            stream = await store.open_stream(reference.key)
            if stream is None:
                raise gone(reference)
            async for chunk in _verified_chunks(stream, reference):
                yield chunk
        except PayloadError as error:
            raise self._told(error, reference, "stream") from None
        self._verified.add((reference.store, reference.key, reference.sha256))

    async def range(self, reference: Reference, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`, of a payload that has been verified whole.

        The first range of a payload in this process reads all of it, in chunks; further ones read what they give.
        Compressed payloads are read whole each time that they are not in the cache.

        Raises:
            ValueError: the range is none.
        """
        if not 0 <= start <= end:
            raise ValueError(f"{start}:{end} is no range")
        store = self.store_of(reference)
        cached = self._cache.get(reference) if self._cache is not None else None
        if cached is not None:
            return cached[start:end]
        if reference.compression != "none":
            return (await self.read(reference))[start:end]
        if (reference.store, reference.key, reference.sha256) not in self._verified:
            await self.verify(reference)
        try:
            return await self._fetch_range(store, reference, start, min(end, reference.bytes))
        except PayloadError as error:
            raise self._told(error, reference, "range") from None

    async def verify(self, reference: Reference) -> None:
        """Read all of a payload from its store, whatever the cache holds, and give nothing out."""
        async for _ in self.open(reference):
            pass

    def store_of(self, reference: Reference) -> PayloadService:
        """The store of a reference, if it may be resolved here.

        Raises:
            PayloadForbiddenError: it belongs to another tenant, or names a store that is not configured.
        """
        if reference.tenant != self._tenant or not belongs_to(reference.key, self._tenant):
            raise self._refusal(f"the reference is not of tenant {self._tenant!r}, and is not resolved", reference)
        store = self._stores.get(reference.store)
        if store is None:
            known = ", ".join(sorted(self._stores)) or "none"
            why = f"the reference names the store {reference.store!r}, which is not configured (configured: {known})"
            raise self._refusal(why, reference)
        if reference.type != store.reference_type or not _names(store, reference):
            raise self._refusal(f"the reference does not fit the store {reference.store!r}", reference)
        return store

    async def _recall(self, configurations: ConfigurationCache, store: PayloadService, reference: Reference) -> bytes:
        raw = await configurations.recall(reference)
        if raw is None:
            raw = await self._get(store, reference)
            await configurations.remember(reference.key, raw)
        return raw

    async def _get(self, store: PayloadService, reference: Reference) -> bytes:
        try:
            return await self._fetch(store, reference)
        except PayloadError as error:
            raise self._told(error, reference, "get") from None

    async def _fetch(self, store: PayloadService, reference: Reference) -> bytes:
        most = most_stored_bytes(reference)
        before = perf_counter()
        stored = await store.get(reference.key, most=most)
        self._metrics.observe(GET_SECONDS, perf_counter() - before, store=store.name)
        if stored is None:
            raise gone(reference)
        if len(stored) > most:
            raise PayloadCorruptError(None, facts_of(reference, found_bytes=len(stored)))
        return unseal(stored, reference)

    async def _fetch_range(self, store: PayloadService, reference: Reference, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        found = await store.get_range(reference.key, start, end)
        if found is None:
            raise gone(reference)
        if len(found) != end - start:
            raise PayloadCorruptError(None, facts_of(reference, found_bytes=start + len(found)))
        return found

    def _refusal(self, why: str, reference: Reference) -> PayloadForbiddenError:
        error = PayloadForbiddenError(why, facts_of(reference))
        self._count(error, reference, "resolve")
        return error

    def _told(self, error: PayloadError, reference: Reference, operation: str) -> PayloadError:
        """The same error with all that the reference says; stores know no runs."""
        self._count(error, reference, operation)
        if error.facts.expected_sha256 is not None:
            return error
        told = type(error)(error.message, facts_of(reference))
        told.__cause__ = error
        return told

    def _count(self, error: PayloadError, reference: Reference, operation: str) -> None:
        self._metrics.count(PAYLOAD_ERRORS, store=reference.store, operation=operation, code=error.code)


def gone(reference: Reference) -> PayloadError:
    """What to say of a payload that is not in its store."""
    kind = PayloadMissingError if reference.ttl_seconds is None else PayloadExpiredError
    return kind(None, facts_of(reference))


def _names(store: PayloadService, reference: Reference) -> bool:
    """Whether the place that a reference names is the one that the store is configured for."""
    return all(getattr(reference, name) == value for name, value in store.place.items())


async def _verified_chunks(stream: AsyncIterator[bytes], reference: Reference) -> AsyncGenerator[bytes]:
    opener, digest, size = decompressor(reference), sha256(), 0
    async for stored in stream:
        raw = opener.feed(stored)
        digest.update(raw)
        size += len(raw)
        if raw:
            yield raw
    opener.finish()
    verify_hash(digest.hexdigest(), size, reference)
