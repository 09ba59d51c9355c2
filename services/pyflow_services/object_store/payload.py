"""Payloads in an object store, through obstore. A lifecycle rule of the bucket is the backstop of collection."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from pyflow_core.errors import PayloadForbiddenError, PayloadStoreUnavailableError
from pyflow_core.payload.extra import require
from pyflow_core.ports.payload import CHUNK_BYTES, PayloadService, StoredObject, check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence
    from pathlib import Path

MULTIPART_BYTES = 64 * 1024 * 1024
"""Larger files are sent in parts, which no store takes with a condition. The hash in the key makes that harmless."""
_PART_BYTES = 16 * 1024 * 1024
_DELETE_PAGE = 1000


class ObjectStorePayloadService(PayloadService):
    """An object for each payload, below the prefix of `connect`'s store.

    `connect` makes the store of obstore when the service is opened, so that its library is not needed before.
    """

    def __init__(
        self, connect: Callable[[Any], Any], name: str, *, shown: str | None = None, auth_ref: str | None = None
    ) -> None:
        super().__init__(name, auth_ref=auth_ref)
        self._connect = connect
        self._shown = shown or name
        self._made: Any = None

    @override
    async def open(self) -> None:
        obstore = require_obstore()
        with self._told():
            self._made = await asyncio.to_thread(self._connect, obstore)  # a keychain may take its time

    @override
    async def close(self) -> None:
        self._made = None

    @override
    async def now(self) -> float:
        return time.time()

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        self.check_size(key, len(data))
        return await self._create(key, data)

    @override
    async def put_file(self, key: str, path: Path, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        size = (await asyncio.to_thread(path.stat)).st_size
        self.check_size(key, size)
        if size <= MULTIPART_BYTES:
            return await self._create(key, path)
        if await self.stat(key) is not None:
            return False
        with self._told():
            await require_obstore().put_async(self._store, key, path, use_multipart=True, chunk_size=_PART_BYTES)
        return True

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        found = await self._get(key)
        if found is None:
            return None
        with self._told():
            if most is None or found.meta["size"] <= most:
                return bytes(await found.bytes_async())
            return await _first(found.stream(min_chunk_size=CHUNK_BYTES), most + 1)

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        check_key(key)
        if start >= end:
            return None if await self.stat(key) is None else b""
        obstore = require_obstore()
        try:
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=end))
        except FileNotFoundError:
            return None
        except obstore.exceptions.BaseError as error:
            if "416" in str(error):
                return b""  # the object ends before the range begins
            with self._told():
                raise

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        found = await self._get(key)
        return None if found is None else self._chunks(found)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        check_key(key)
        with self._told():
            try:
                found = await require_obstore().head_async(self._store, key)
            except FileNotFoundError:
                return None
        return _object(found)

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        check_prefix(prefix)
        batches = require_obstore().list(self._store, prefix=prefix.rstrip("/") or None, chunk_size=_DELETE_PAGE)
        while batch := await self._next(batches):
            for found in batch:
                # A prefix of an object store ends where it ends; ours ends with a segment.
                if found["path"].startswith(prefix):
                    yield _object(found)

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        for at in range(0, len(keys), _DELETE_PAGE):
            with self._told():
                await self._delete(list(keys[at : at + _DELETE_PAGE]))

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        check_key(key)
        return False

    @property
    def _store(self) -> Any:
        if self._made is None:
            raise PayloadStoreUnavailableError(f"the payload store {self.name!r} is not open")
        return self._made

    async def _create(self, key: str, data: bytes | Path) -> bool:
        obstore = require_obstore()
        with self._told(missing_is_trouble=True):
            try:
                await obstore.put_async(self._store, key, data, mode="create", use_multipart=False)
            except obstore.exceptions.AlreadyExistsError:
                return False
        return True

    async def _get(self, key: str) -> Any:
        check_key(key)
        with self._told():
            try:
                return await require_obstore().get_async(self._store, key)
            except FileNotFoundError:
                return None

    async def _delete(self, keys: list[str]) -> None:
        obstore = require_obstore()
        try:
            await obstore.delete_async(self._store, keys)
        except FileNotFoundError:
            # Some stores tell of the first that is not there, and leave it at that.
            for key in keys:
                try:
                    await obstore.delete_async(self._store, key)
                except FileNotFoundError:
                    continue

    async def _next(self, batches: Any) -> list[Any]:
        with self._told():
            try:
                return list(await anext(batches))
            except StopAsyncIteration:
                return []

    async def _chunks(self, found: Any) -> AsyncGenerator[bytes]:
        stream = found.stream(min_chunk_size=CHUNK_BYTES)
        while True:
            with self._told():
                try:
                    chunk = bytes(await anext(stream))
                except StopAsyncIteration:
                    return
            if chunk:
                yield chunk

    @contextmanager
    def _told(self, *, missing_is_trouble: bool = False) -> Generator[None]:
        """Tell the library's errors as those of payloads, in one line, without what servers add to it."""
        exceptions = require_obstore().exceptions
        try:
            yield
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError) as error:
            raise PayloadForbiddenError(f"the payload store {self._shown} refuses these credentials") from error
        except (exceptions.BaseError, OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError) and not missing_is_trouble:
                raise
            why = str(error).partition("\n")[0].partition(": <")[0][:300]
            raise PayloadStoreUnavailableError(f"cannot use the payload store {self._shown}: {why}") from error


def require_obstore() -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    return require("s3", "obstore", "exceptions", "store", what="payloads in an object store")


async def _first(stream: Any, size: int) -> bytes:
    found = bytearray()
    async for chunk in stream:
        found += bytes(chunk)
        if len(found) >= size:
            break
    return bytes(found)


def _object(found: Any) -> StoredObject:
    return StoredObject(found["path"], found["size"], found["last_modified"].timestamp())
