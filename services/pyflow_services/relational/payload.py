"""Payloads in a table, for projects that want one file for everything."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from pyflow_core.errors import PayloadStoreUnavailableError, StoreFormatError
from pyflow_core.ports.payload import CHUNK_BYTES, PayloadService, StoredObject, check_key, check_prefix
from pyflow_services.relational.table import SCHEMA, TABLE, connect_reader, connect_writer
from pyflow_services.sqlite.connection import make_connection

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from pathlib import Path

    from pyflow_services.relational.table import Synchronous
    from pyflow_services.sqlite.connection import Connection

T = TypeVar("T")

_PAGE = 500
_LAST = "\uffff"


class RelationalPayloadService(PayloadService):
    """A row for each payload, in the table `payloads` of a SQLite file. There are no times to live.

    `synchronous` says what a put survives, as it does for the state: `full` a power cut, `normal` the process's death.
    """

    reference_type = "relational"
    max_bytes = 900_000_000
    """SQLite ends a little above."""
    schema = SCHEMA
    table = TABLE

    def __init__(
        self,
        path: Path,
        name: str = "sqlite",
        *,
        synchronous: Synchronous = "full",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name)
        self._path = path
        self._clock = clock
        self._writer: Connection = make_connection(lambda: connect_writer(path, synchronous))
        self._reader: Connection = make_connection(lambda: connect_reader(path))

    @property
    @override
    def place(self) -> Mapping[str, str]:
        return {"schema": self.schema, "table": self.table}

    @override
    async def open(self) -> None:
        try:
            await self._writer.open()
            await self._reader.open()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
                raise StoreFormatError(f"{self._path} is not a database: name another file for payloads") from error
            raise self._unavailable(error) from error
        except OSError as error:
            raise self._unavailable(error) from error

    @override
    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()

    @override
    async def now(self) -> float:
        return self._clock()

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        self.check_size(key, len(data))
        now = self._clock()
        insert = "INSERT INTO payloads (key, modified_at, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        return await self._write(lambda connection: connection.execute(insert, (key, now, data)).rowcount == 1)

    @override
    async def put_file(self, key: str, path: Path, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        now = self._clock()

        def insert(connection: sqlite3.Connection) -> bool:
            size = path.stat().st_size
            self.check_size(key, size)
            sql = "INSERT INTO payloads (key, modified_at, data) VALUES (?, ?, zeroblob(?)) ON CONFLICT DO NOTHING"
            cursor = connection.execute(sql, (key, now, size))
            if cursor.rowcount != 1:
                return False
            row = cursor.lastrowid or 0
            with path.open("rb") as source, connection.blobopen(TABLE, "data", row) as blob:
                while piece := source.read(CHUNK_BYTES):
                    blob.write(piece)
            return True

        return await self._write(insert)

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        check_key(key)
        if most is not None:
            return await self.get_range(key, 0, most + 1)
        rows = await self._rows("SELECT data FROM payloads WHERE key = ?", key)
        return rows[0][0] if rows else None

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        check_key(key)
        # Of an empty blob `substr` makes NULL.
        sql = "SELECT coalesce(substr(data, ?2, ?3), x'') FROM payloads WHERE key = ?1"
        rows = await self._rows(sql, key, start + 1, end - start)
        return rows[0][0] if rows else None

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        return None if await self.stat(key) is None else self._chunks(key)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        check_key(key)
        rows = await self._rows("SELECT key, length(data), modified_at FROM payloads WHERE key = ?", key)
        return StoredObject(*rows[0]) if rows else None

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        check_prefix(prefix)
        after = prefix
        sql = "SELECT key, length(data), modified_at FROM payloads WHERE key > ? AND key < ? ORDER BY key LIMIT ?"
        while rows := await self._rows(sql, after, prefix + _LAST, _PAGE):
            for row in rows:
                yield StoredObject(*row)
            after = rows[-1][0]

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        if keys:
            sql = "DELETE FROM payloads WHERE key = ?"
            await self._write(lambda connection: connection.executemany(sql, [(key,) for key in keys]))

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        check_key(key)
        return False

    async def _chunks(self, key: str) -> AsyncGenerator[bytes]:
        start = 0
        while chunk := await self.get_range(key, start, start + CHUNK_BYTES):
            yield chunk
            start += len(chunk)

    async def _rows(self, sql: str, *values: object) -> Sequence[tuple[Any, ...]]:
        try:
            return await self._reader.run(lambda connection: connection.execute(sql, values).fetchall())
        except (sqlite3.Error, RuntimeError) as error:
            raise self._unavailable(error) from error

    async def _write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        def transaction(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                answer = function(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return answer

        try:
            return await self._writer.run(transaction)
        except (sqlite3.Error, RuntimeError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> PayloadStoreUnavailableError:
        return PayloadStoreUnavailableError(
            f"the payload store in {self._path} cannot be used ({error}): check the file, its folder and its disk"
        )
