"""Payloads in memory: the public double of every payload store."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from typing_extensions import override

from pyflow_core.ports.payload import CHUNK_BYTES, PayloadService, StoredObject, check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence


class MemoryPayloadService(PayloadService):
    """Objects in a dictionary, with times to live, as long as the service lives. Opening and closing keep them."""

    keeps_ttl = True

    def __init__(
        self, name: str = "memory", *, clock: Callable[[], float] = time.time, ttl_seconds: float | None = None
    ) -> None:
        super().__init__(name, ttl_seconds=ttl_seconds)
        self._clock = clock
        self._objects: dict[str, tuple[bytes, StoredObject]] = {}

    @override
    async def open(self) -> None:
        pass

    @override
    async def close(self) -> None:
        pass

    @override
    async def now(self) -> float:
        return self._clock()

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        self.check_size(key, len(data))
        await asyncio.sleep(0)
        if self._find(key) is not None:
            return False
        now, ttl = self._clock(), self.ttl_seconds if ttl_seconds is None else ttl_seconds
        stat = StoredObject(key, len(data), now, None if ttl is None else now + ttl)
        self._objects[key] = (bytes(data), stat)
        return True

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        check_key(key)
        await asyncio.sleep(0)
        found = self._find(key)
        return None if found is None else found[0][: None if most is None else most + 1]

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        data = await self.get(key)
        return None if data is None else data[start:end]

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        data = await self.get(key)
        return None if data is None else _chunks(data)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        check_key(key)
        found = self._find(key)
        return None if found is None else found[1]

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        check_prefix(prefix)
        for key in sorted(self._objects):
            found = self._find(key) if key.startswith(prefix) else None
            if found is not None:
                await asyncio.sleep(0)
                yield found[1]

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        for key in keys:
            self._objects.pop(key, None)

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        check_key(key)
        found = self._find(key)
        if found is None or found[1].expires_at is None:
            return False
        self._objects[key] = (found[0], found[1]._replace(expires_at=self._clock() + ttl_seconds))
        return True

    def _find(self, key: str) -> tuple[bytes, StoredObject] | None:
        found = self._objects.get(key)
        if found is not None and found[1].expires_at is not None and found[1].expires_at <= self._clock():
            del self._objects[key]
            return None
        return found


async def _chunks(data: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(data), CHUNK_BYTES):
        await asyncio.sleep(0)
        yield data[start : start + CHUNK_BYTES]
