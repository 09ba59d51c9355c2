"""The write path: hash, put if absent, and only then may a reference be committed.

A crash in between leaves an orphan, which collection finds, and never a reference to nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pyflow_core.errors import (
    PayloadCorruptError,
    PayloadError,
    PayloadExpiredError,
    PayloadMissingError,
    PayloadStoreUnavailableError,
)
from pyflow_core.payload.body import seal
from pyflow_core.payload.key import config_key, payload_key
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.reference import (
    NatsReference,
    ObjectReference,
    Producer,
    RelationalReference,
    facts_of,
)
from pyflow_core.ports.metric import NO_METRICS, PAYLOAD_ERRORS, PUT_SECONDS
from pyflow_core.ports.state import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from pyflow_core.payload.reference import Compression, Encoding, Lifetime, Reference
    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadService

Chunks: TypeAlias = AsyncIterable[bytes] | Iterable[bytes]

_EDITIONS = 8
"""How many damaged or vanishing objects under one name are passed over before the store is given up."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose value it is. `step_name` is None for what belongs to the run itself."""

    workflow: str
    run_id: str
    step_name: str | None = None
    attempt: int = 0
    tenant: str = DEFAULT_TENANT


class Spool(NamedTuple):
    """A stream that has come to its end: the local file that holds it, its size and its hash."""

    path: Path
    size: int
    sha256: str


class _Content(NamedTuple):
    """What is stored, whatever its form: how many bytes it stands for, and their hash."""

    size: int
    sha256: str
    compression: Compression


class PayloadWriter:
    """Stores bytes under keys made of their origin and hash, and gives references to them."""

    def __init__(
        self,
        store: PayloadService,
        *,
        compression: Compression = "none",
        ttl_seconds: float | None = None,
        metrics: MetricService = NO_METRICS,
    ) -> None:
        self._store = store
        self._compression: Compression = compression
        self._ttl_seconds = (ttl_seconds or store.ttl_seconds) if store.keeps_ttl else None
        self._metrics = metrics

    async def write(
        self,
        raw: bytes,
        origin: Origin,
        slot: str,
        *,
        encoding: Encoding = "json",
        content_type: str = "application/json",
        scope: Lifetime = "run",
        edition: int = 0,
    ) -> Reference:
        """Store bytes, durably, and return the reference that may now be committed.

        Raises:
            PayloadTooLargeError, PayloadStoreUnavailableError, PayloadForbiddenError: nothing may be committed.
        """
        sealed = seal(raw, self._compression)

        async def put(key: str) -> bool:
            return await self._store.put(key, sealed.data, ttl_seconds=self._ttl_seconds)

        content = _Content(sealed.size, sealed.sha256, sealed.compression)
        references = self._editions(content, origin, slot, encoding, content_type, scope, edition)
        return await self._put_first(references, put)

    async def write_configuration(self, raw: bytes, tenant: str, period: int) -> Reference:
        """Store the JSON of a configuration under its own name; equal ones of a period are one object.

        Raises:
            As `write`.
        """

        async def put(key: str) -> bool:
            return await self._store.put(key, raw)

        digest = sha256(raw).hexdigest()
        keys = (config_key(tenant, digest, period, edition=edition) for edition in range(_EDITIONS))
        known: dict[str, Any] = {"bytes": len(raw), "sha256": digest, "tenant": tenant, "scope": "permanent"}
        return await self._put_first((self._reference(key, **known) for key in keys), put)

    async def write_stream(
        self,
        chunks: Chunks,
        origin: Origin,
        slot: str,
        *,
        encoding: Encoding = "bytes",
        content_type: str = "application/octet-stream",
        scope: Lifetime = "run",
        edition: int = 0,
    ) -> Reference:
        """Store a stream of any length; it is kept in a local file until its hash is known, never in memory.

        Streams are stored as they are, so that ranges of them can be read.

        Raises:
            As `write`.
        """
        async with spooled(chunks) as spool:
            return await self.write_spool(
                spool, origin, slot, encoding=encoding, content_type=content_type, scope=scope, edition=edition
            )

    async def write_spool(
        self,
        spool: Spool,
        origin: Origin,
        slot: str,
        *,
        encoding: Encoding = "bytes",
        content_type: str = "application/octet-stream",
        scope: Lifetime = "run",
        edition: int = 0,
    ) -> Reference:
        """Store a stream that lies in a local file, which can be done again if the store was away.

        Raises:
            As `write`.
        """

        async def put(key: str) -> bool:
            return await self._store.put_file(key, spool.path, ttl_seconds=self._ttl_seconds)

        content = _Content(spool.size, spool.sha256, "none")
        references = self._editions(content, origin, slot, encoding, content_type, scope, edition)
        return await self._put_first(references, put)

    def _editions(
        self,
        content: _Content,
        origin: Origin,
        slot: str,
        encoding: Encoding,
        content_type: str,
        scope: Lifetime,
        first: int,
    ) -> Iterator[Reference]:
        """References to the names under which a value may be put, in the order in which they are tried."""
        for edition in range(first, first + _EDITIONS):
            key = payload_key(
                origin.tenant,
                origin.workflow,
                origin.run_id,
                origin.step_name,
                slot,
                content.sha256,
                encoding=encoding,
                compression=content.compression,
                edition=edition,
            )
            yield self._reference(
                key,
                bytes=content.size,
                sha256=content.sha256,
                tenant=origin.tenant,
                producer=Producer(run_id=origin.run_id, step_name=origin.step_name, attempt=origin.attempt),
                content_type=content_type,
                compression=content.compression,
                encoding=encoding,
                scope=scope,
            )

    async def _put_first(self, references: Iterable[Reference], put: Callable[[str], Awaitable[bool]]) -> Reference:
        """Put an object under the first of these names that is free, or holds what was to be put already."""
        tried: Reference | None = None
        for reference in references:
            if await self._put(reference, put) or await self._is_there(reference):
                return reference
            tried = tried or reference
        raise PayloadStoreUnavailableError(
            f"the payload store {self._store.name!r} holds damaged objects under this name and {_EDITIONS - 1} more: "
            "check the store",
            None if tried is None else facts_of(tried),
        )

    async def _put(self, reference: Reference, put: Callable[[str], Awaitable[bool]]) -> bool:
        before = perf_counter()
        try:
            created = await put(reference.key)
        except PayloadError as error:
            self._metrics.count(PAYLOAD_ERRORS, store=self._store.name, operation="put", code=error.code)
            raise type(error)(error.message, facts_of(reference)) from error
        self._metrics.observe(PUT_SECONDS, perf_counter() - before, store=self._store.name)
        return created

    async def _is_there(self, reference: Reference) -> bool:
        """Whether what lies under the key is what was to be written.

        An equal retry finds its own object; but a disk that has lost bits must not become a committed reference.
        """
        reader = PayloadReader({self._store.name: self._store}, tenant=reference.tenant, metrics=self._metrics)
        try:
            await reader.verify(reference)
        except (PayloadCorruptError, PayloadMissingError, PayloadExpiredError):
            return False
        return True

    def _reference(self, key: str, **fields: Any) -> Reference:
        auth_ref = self._store.auth_ref
        return make_reference(self._store, key, ttl_seconds=self._ttl_seconds, auth_ref=auth_ref, **fields)


def make_reference(store: PayloadService, key: str, *, ttl_seconds: float | None = None, **fields: Any) -> Reference:
    """The reference to an object of a store, in the form that its type asks for."""
    known: dict[str, Any] = {**store.place, **fields}
    if store.reference_type == "relational":
        return RelationalReference(database=store.name, primary_key=key, **known)
    kind = NatsReference if store.reference_type == "nats" else ObjectReference
    return kind(store=store.name, key=key, ttl_seconds=ttl_seconds, **known)


@asynccontextmanager
async def spooled(chunks: Chunks) -> AsyncGenerator[Spool]:
    """A local file with what comes, its size and its hash; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pyflow-") as folder:
        path = Path(folder) / "stream"
        digest, size = sha256(), 0
        with path.open("wb") as file:
            async for chunk in _each(chunks):
                digest.update(chunk)
                size += len(chunk)
                await asyncio.to_thread(file.write, chunk)
        yield Spool(path, size, digest.hexdigest())


async def _each(chunks: Chunks) -> AsyncGenerator[bytes]:
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            yield chunk
    else:
        for chunk in chunks:
            yield chunk
