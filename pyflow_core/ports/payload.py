"""The payload port: bytes by key, written once, and the ledger by which they are collected.

A payload store holds what is too large, or too binary, for a row. It knows nothing of runs: keys and references are
made above it (`pyflow_core.payload`). What is stored under a key never changes, because a key holds the hash of what
it names; so the one conditional write that a store must have is *create only*.

Times are seconds since the epoch on the store's clock, which may differ from everybody else's.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pyflow_core.errors import (
    InvalidPayloadKeyError,
    PayloadError,
    PayloadFacts,
    PayloadTooLargeError,
    UnsafeStoreError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from pathlib import Path

ReferenceType = Literal["object_store", "relational", "nats"]

MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 240
"""A segment is the name of a file in some stores; file systems end at 255."""

CHUNK_BYTES = 1024 * 1024
"""How much of a stream is in memory at once."""

_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.~%-]{1,240}"
_KEY = re.compile(f"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX = re.compile(f"(?:{_SEGMENT}/)*")


def check_key(key: str) -> None:
    """Refuse what is no key: segments of `A-Za-z0-9_.~%-` with slashes between, none empty, `.` or `..`.

    Raises:
        InvalidPayloadKeyError: it is none.
    """
    if len(key) > MAX_KEY_BYTES or _KEY.fullmatch(key) is None:
        raise InvalidPayloadKeyError(f"{key[:200]!r} is no key of a payload: keys are made by `pyflow_core.payload`")


def check_prefix(prefix: str) -> None:
    """Refuse what is no prefix of keys: whole segments, each with its slash, or nothing at all.

    That a prefix ends with a segment is what keeps `run-1` apart from `run-10`.

    Raises:
        InvalidPayloadKeyError: it is none.
    """
    if len(prefix) > MAX_KEY_BYTES or _PREFIX.fullmatch(prefix) is None:
        raise InvalidPayloadKeyError(f"{prefix[:200]!r} is no prefix of keys: it must end with '/'")


class StoredObject(NamedTuple):
    """What a store says of an object: its size as stored, when it was written, and when the store will let it go."""

    key: str
    size: int
    modified_at: float
    expires_at: float | None = None


class PayloadService(ABC):
    """Bytes by key. Every implementation passes `pyflow_core.testing.contracts.payload`.

    Any method may raise `PayloadStoreUnavailableError` (try again later) or `PayloadForbiddenError` (the store refuses
    these credentials). Each refuses a wrong key with `InvalidPayloadKeyError`.
    """

    reference_type: ClassVar[ReferenceType] = "object_store"
    """How a reference to an object of this store is tagged."""
    max_bytes: ClassVar[int | None] = None
    """The largest object that the store takes."""
    keeps_ttl: ClassVar[bool] = False
    """Whether the store lets objects go by itself; where not, `ttl_seconds` is ignored."""

    def __init__(self, name: str, *, auth_ref: str | None = None, ttl_seconds: float | None = None) -> None:
        self.name = name
        """What references call the store."""
        self.auth_ref = auth_ref
        """The id under which the environment keeps its credentials, never a secret; it goes into references."""
        self.ttl_seconds = ttl_seconds
        """How long what is put without a time of its own is kept; workers extend it while a run needs it."""

    @property
    def place(self) -> Mapping[str, str]:
        """What a reference names beside store and key: the bucket, or the schema and the table."""
        return {}

    # --- life of the service

    @abstractmethod
    async def open(self) -> None:
        """Connect. Nothing is written.

        Raises:
            PayloadStoreUnavailableError, UnsafeStoreError: each says what to do.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; safe to call twice."""

    @abstractmethod
    async def now(self) -> float:
        """The clock by which `modified_at` is written, as well as it can be told."""

    # --- objects

    @abstractmethod
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        """Create an object, whole or not at all, and durably; False, and nothing is changed, if the key is there.

        Raises:
            PayloadTooLargeError: more than `max_bytes`.
        """

    @abstractmethod
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        """The whole object; None if it is not there.

        With `most`, an object of more bytes is not read whole: its first `most + 1` bytes may be given instead.
        """

    @abstractmethod
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        """The bytes from `start` up to `end`, fewer where the object ends before; None if it is not there."""

    @abstractmethod
    async def open_stream(self, key: str) -> AsyncIterator[bytes] | None:
        """The object in chunks, so that it is never whole in memory; None if it is not there."""

    @abstractmethod
    async def stat(self, key: str) -> StoredObject | None:
        """What is known of an object without reading it; None if it is not there."""

    @abstractmethod
    def objects(self, prefix: str) -> AsyncIterator[StoredObject]:
        """The objects whose keys begin with `prefix`, in any order.

        Everything that is there from before the listing until after it is listed, once; what comes or goes meanwhile
        may be.
        """

    @abstractmethod
    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no error."""

    @abstractmethod
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        """Let an object live for so long from now on; False if it is not there, or if it will not go by itself."""

    # --- what every store has

    async def put_file(self, key: str, path: Path, *, ttl_seconds: float | None = None) -> bool:
        """`put` of what a local file holds; stores that can do so without reading it whole do."""
        check_key(key)
        self.check_size(key, (await asyncio.to_thread(path.stat)).st_size)
        return await self.put(key, await asyncio.to_thread(path.read_bytes), ttl_seconds=ttl_seconds)

    async def probe(self) -> Probe:
        """Write, refuse, read, list and delete an object, to see whether the store does what pyflow relies on.

        Raises:
            UnsafeStoreError: it overwrites what should be created only, or does not give back what it took.
        """
        key = f"{PROBE_PREFIX}{uuid.uuid4().hex}"
        try:
            return await self._probe(key)
        finally:
            await self.delete([key])

    async def _probe(self, key: str) -> Probe:
        first, second = b"created once", b"created again"
        before = await self.now()
        created, again = await self.put(key, first), await self.put(key, second)
        found, stat = await self.get(key), await self.stat(key)
        if not created or again or found != first:
            raise UnsafeStoreError(
                f"the payload store {self.name!r} ignores create-only writes, so a late worker could change what a "
                "committed reference points to: use a store with conditional writes (If-None-Match)"
            )
        listed = [item.key async for item in self.objects(PROBE_PREFIX)]
        if stat is None or key not in listed:
            raise UnsafeStoreError(f"the payload store {self.name!r} does not list what it has just taken")
        return Probe(clock_skew_seconds=stat.modified_at - before)

    def check_size(self, key: str, size: int) -> None:
        """Refuse what the store cannot take.

        Raises:
            PayloadTooLargeError: more than `max_bytes`.
        """
        if self.max_bytes is not None and size > self.max_bytes:
            raise PayloadTooLargeError(
                f"the store {self.name!r} takes at most {self.max_bytes} bytes: use another store for large payloads",
                PayloadFacts(reference=display(self.name, key), found_bytes=size),
            )


PROBE_PREFIX = "probe/"
_PROBE_KEY = re.compile(r"probe/[0-9a-f]{32}")


def is_probe_key(key: str) -> bool:
    """Whether an object is what a probe has put, which nothing ever refers to."""
    return _PROBE_KEY.fullmatch(key) is not None


class Probe(NamedTuple):
    """What a probe found: by how much the store's clock is ahead of what `now` said."""

    clock_skew_seconds: float


def display(store: str, key: str) -> str:
    """How people name a payload: `pf://store/key`."""
    return f"pf://{store}/{key}"


def failure(kind: type[PayloadError], store: str, key: str, message: str | None = None) -> PayloadError:
    """An error about one object of a store."""
    return kind(message, PayloadFacts(reference=display(store, key)))


class PayloadLedger(ABC):
    """What collection asks of the state: which payloads are referenced, and which may never be again.

    One rule makes collection safe, whatever clocks and processes do: **a key is barred or referenced, never both.**
    `bar` and the commit of a reference are transactions of the same database; `bar` passes over every key that a row
    references or whose run still owns it, and a commit that references a barred key is refused with
    `PayloadCollectedError`. Only barred objects are ever deleted.
    """

    @abstractmethod
    async def now(self) -> float:
        """The state's clock."""

    @abstractmethod
    async def unreferenced(self, keys: Collection[str]) -> set[str]:
        """Those of these keys that no row needs at this moment: a cheap look, which decides nothing."""

    @abstractmethod
    async def live_keys(self, after: int, limit: int) -> tuple[set[str], int | None]:
        """What up to `limit` unsettled runs refer to, and from where to go on; None after the last of them.

        Begin with 0. A run that is started meanwhile may be passed over.
        """

    @abstractmethod
    async def bar(self, keys: Collection[str]) -> set[str]:
        """Bar those of these keys that no row needs, in one transaction, and return those that are barred now.

        A key that was barred before is barred anew from now on and returned again, so that a deletion that was cut
        short is taken up. (With its old time, the tombstone could be forgotten while that deletion is under way.)
        """

    @abstractmethod
    async def unbar(self, older_than_seconds: float) -> int:
        """Forget tombstones of that age, and how many; their deletions must be long over."""

    @abstractmethod
    async def expired_runs(self, retention_seconds: float, limit: int) -> list[PurgedRun]:
        """Mark up to `limit` settled runs that ended before that as being purged; those marked before come first.

        A marked run takes no redrive, and its rows need no payload any more.
        """

    @abstractmethod
    async def forget_run(self, run_id: str) -> None:
        """Delete the rows of a run that is marked; nothing of one that is not."""

    @abstractmethod
    async def note_failure(self, run_id: str, message: str) -> None:
        """Record on a marked run why its purge did not get through."""

    @abstractmethod
    async def purge_of(self, run_id: str) -> Purge | None:
        """How far the purge of a run is; None if it is not marked, or not there.

        A run is marked before the first of its payloads goes. Who misses a payload and asks this afterwards knows
        whether it is damage.
        """


class Purge(NamedTuple):
    """A purge that is under way. `error` is why its last try did not get through; None if none has failed."""

    error: str | None = None


class PurgedRun(NamedTuple):
    """A run that is being purged, and the prefix of everything that it stored."""

    run_id: str
    prefix: str
