"""Payloads in Redis or Valkey, with times to live.

What Redis holds is as durable as it is set up to be, and as long-lived as its memory allows: it suits what can be made
anew, and the cache in front of configurations. Each value begins with the server's time at which it was written.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from pyflow_core.errors import PayloadForbiddenError, PayloadStoreUnavailableError
from pyflow_core.payload.extra import require
from pyflow_core.ports.payload import CHUNK_BYTES, PayloadService, StoredObject, check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

DEFAULT_PREFIX = "pyflow:"
CONNECT_SECONDS = 5.0
_HEADER = struct.Struct(">d")
_PAGE = 500

_CREATE = """
local now = redis.call('TIME')
local value = struct.pack('>d', now[1] + now[2] / 1000000) .. ARGV[1]
local made
if ARGV[2] == '' then
    made = redis.call('SET', KEYS[1], value, 'NX')
else
    made = redis.call('SET', KEYS[1], value, 'NX', 'PX', ARGV[2])
end
if made then return 1 else return 0 end
"""
_EXTEND = "if redis.call('PTTL', KEYS[1]) > 0 then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) else return 0 end"


class RedisPayloadService(PayloadService):
    """A string for each payload. `ttl_seconds` is for what is put without a time to live of its own."""

    keeps_ttl = True
    max_bytes = 512 * 1024 * 1024 - _HEADER.size

    def __init__(
        self,
        url: str,
        name: str = "redis",
        *,
        prefix: str = DEFAULT_PREFIX,
        ttl_seconds: float | None = None,
        shown: str | None = None,
    ) -> None:
        super().__init__(name, ttl_seconds=ttl_seconds)
        self._url = url
        self._shown = shown or name
        self._prefix = prefix
        self._made: Any = None

    @override
    async def open(self) -> None:
        redis = require_redis()
        if self._made is None:
            self._made = redis.asyncio.Redis.from_url(
                self._url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=30
            )
            self._create: Any = self._made.register_script(_CREATE)
            self._extend: Any = self._made.register_script(_EXTEND)
        with self._told():
            await self._made.ping()

    @override
    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.aclose()

    @override
    async def now(self) -> float:
        with self._told():
            seconds, micros = await self._client.time()
        return _time(seconds, micros)

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        self.check_size(key, len(data))
        ttl = self.ttl_seconds if ttl_seconds is None else ttl_seconds
        client = self._client
        with self._told():
            arguments = [data, "" if ttl is None else _millis(ttl)]
            made = await self._create(keys=[self._name(key)], args=arguments, client=client)
        return bool(made)

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        end = -1 if most is None else _HEADER.size + most
        return await self._slice(key, 0, end, skip=_HEADER.size)

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        if start == 0:
            return await self.get(key, most=end - 1) if end else (b"" if await self.stat(key) else None)
        found = await self._slice(key, _HEADER.size + start, _HEADER.size + end - 1)
        return b"" if found is None and await self.stat(key) is not None else found

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        return None if await self.stat(key) is None else self._chunks(key)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        check_key(key)
        return (await self._stats([self._name(key)]))[0]

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        check_prefix(prefix)
        seen: set[bytes] = set()
        cursor: Any = 0
        while True:
            with self._told():
                cursor, names = await self._client.scan(cursor, match=_escape(self._name(prefix)) + "*", count=_PAGE)
            fresh = [name for name in dict.fromkeys(names) if name not in seen]
            seen.update(fresh)
            for stat in await self._stats(fresh) if fresh else []:
                if stat is not None:
                    yield stat
            if not cursor:
                return

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        if keys:
            with self._told():
                await self._client.unlink(*(self._name(key) for key in keys))

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        check_key(key)
        client = self._client
        with self._told():
            return bool(await self._extend(keys=[self._name(key)], args=[_millis(ttl_seconds)], client=client))

    @property
    def _client(self) -> Any:
        if self._made is None:
            raise PayloadStoreUnavailableError(f"the payload store {self.name!r} is not open")
        return self._made

    def _name(self, key: str) -> str:
        return f"{self._prefix}{key}"

    async def _slice(self, key: str, start: int, end: int, *, skip: int = 0) -> bytes | None:
        """A part of the value behind a key; None where there is none, since no value is empty."""
        check_key(key)
        with self._told():
            found = cast("bytes", await self._client.getrange(self._name(key), start, end))
        return found[skip:] if found else None

    async def _chunks(self, key: str) -> AsyncGenerator[bytes]:
        start = _HEADER.size
        while chunk := await self._slice(key, start, start + CHUNK_BYTES - 1):
            yield chunk
            start += len(chunk)

    async def _stats(self, names: Sequence[str | bytes]) -> list[StoredObject | None]:
        with self._told():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.time()
                for name in names:
                    pipe.strlen(name)
                    pipe.getrange(name, 0, _HEADER.size - 1)
                    pipe.pttl(name)
                (seconds, micros), *answers = await pipe.execute()
        now = _time(seconds, micros)
        return [self._stat(name, now, *answers[3 * at : 3 * at + 3]) for at, name in enumerate(names)]

    def _stat(self, name: str | bytes, now: float, size: int, header: bytes, ttl: int) -> StoredObject | None:
        if size < _HEADER.size or len(header) < _HEADER.size:
            return None
        text = name.decode() if isinstance(name, bytes) else name
        written: float = _HEADER.unpack(header)[0]
        expires = now + ttl / 1000 if ttl >= 0 else None
        return StoredObject(text.removeprefix(self._prefix), size - _HEADER.size, written, expires)

    @contextmanager
    def _told(self) -> Generator[None]:
        exceptions = require_redis().exceptions
        try:
            yield
        except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
            raise PayloadForbiddenError(f"the payload store {self._shown} refuses these credentials") from error
        except (exceptions.RedisError, OSError, TimeoutError) as error:
            why = " ".join(str(error).split())[:300] or type(error).__name__
            raise PayloadStoreUnavailableError(f"cannot use the payload store {self._shown}: {why}") from error


def require_redis() -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    return require("redis", "redis", "asyncio", what="payloads in Redis")


def _time(seconds: int, micros: int) -> float:
    return seconds + micros / 1_000_000


def _millis(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _escape(text: str) -> str:
    return "".join(f"\\{char}" if char in "*?[]\\^-" else char for char in text)
