"""Payloads in local files, for one machine or for several that share a file system."""

from __future__ import annotations

import asyncio
import time
from typing import IO, TYPE_CHECKING, TypeVar

from typing_extensions import override

from pyflow_core.ports.payload import CHUNK_BYTES, PayloadService, StoredObject, check_key, check_prefix
from pyflow_services.files.folder import Folder, copy, told

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

T = TypeVar("T")


class FilesPayloadService(PayloadService):
    """A file for each payload, at the path that its key spells, below `root`.

    With `sync`, what `put` has answered survives a power cut. There are no times to live.
    """

    def __init__(self, root: Path, name: str = "file", *, sync: bool = True) -> None:
        super().__init__(name)
        self._folder = Folder(root, sync=sync)

    @override
    async def open(self) -> None:
        await self._run(self._folder.prepare)

    @override
    async def close(self) -> None:
        pass

    @override
    async def now(self) -> float:
        return time.time()

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        self.check_size(key, len(data))
        return await self._run(lambda: self._folder.create(key, lambda file: file.write(data)))

    @override
    async def put_file(self, key: str, path: Path, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)

        def create() -> bool:
            self.check_size(key, path.stat().st_size)
            with path.open("rb") as source:
                return self._folder.create(key, lambda file: copy(source, file))

        return await self._run(create)

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        return await self._read(key, 0, -1 if most is None else most + 1)

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        return await self._read(key, start, end - start)

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        check_key(key)
        file = await self._run(lambda: self._folder.open(key))
        return None if file is None else self._chunks(file)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        check_key(key)
        found = await self._run(lambda: self._folder.status(key))
        return None if found is None else _object(key, found)

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        check_prefix(prefix)
        batches = self._folder.entries(prefix)
        while (batch := await self._run(lambda: next(batches, None))) is not None:
            for key, found in batch:
                yield _object(key, found)

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)

        def remove() -> None:
            for key in keys:
                self._folder.remove(key)

        await self._run(remove)

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        check_key(key)
        return False

    async def _read(self, key: str, start: int, size: int) -> bytes | None:
        check_key(key)

        def read() -> bytes | None:
            file = self._folder.open(key)
            if file is None:
                return None
            with file:
                file.seek(start)
                return file.read(size)

        return await self._run(read)

    async def _chunks(self, file: IO[bytes]) -> AsyncGenerator[bytes]:
        try:
            while chunk := await self._run(lambda: file.read(CHUNK_BYTES)):
                yield chunk
        finally:
            file.close()

    async def _run(self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(function)
        except OSError as error:
            raise told(error, self._folder.root) from error


def _object(key: str, found: os.stat_result) -> StoredObject:
    return StoredObject(key, found.st_size, found.st_mtime)
