"""One SQLite connection and the thread that it lives in.

aiosqlite owns the thread. Its public calls cost a hop to that thread for every statement; a whole transaction in one
hop needs its private `_execute`, which nothing else in pyflow touches. Should a release move it, `ExecutorConnection`
does the same with the standard library alone.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import aiosqlite

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Connection(Protocol):
    """Runs functions of one connection in its thread, one after the other."""

    async def open(self) -> None:
        """Connect; raises what `connect` raises."""
        ...

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` with the connection, in its thread."""
        ...

    async def close(self) -> None:
        """Close the connection and end the thread; safe to call twice."""
        ...


class AiosqliteConnection:
    """A connection in the thread of aiosqlite."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._raw: sqlite3.Connection | None = None
        self._connection: aiosqlite.Connection | None = None
        self._failure: Exception | None = None

    def _connector(self) -> sqlite3.Connection:
        # aiosqlite does not wait for its thread when connecting fails; so it never fails here.
        try:
            self._raw = self._connect()
        except Exception as error:  # noqa: BLE001 - it is raised where the caller waits
            self._failure = error
            return sqlite3.connect(":memory:")
        return self._raw

    async def open(self) -> None:
        """Connect."""
        self._failure = None
        connection = aiosqlite.Connection(self._connector, iter_chunk_size=64)
        # A program that fails before it closes the store must still end; SQLite bears a writer that vanishes.
        thread: Any = getattr(connection, "_thread", connection)
        thread.daemon = True
        self._connection = await connection
        failure, self._failure = self._failure, None
        if failure is not None:
            await self.close()
            raise failure

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` in the thread, in one hop."""
        if self._connection is None:
            raise RuntimeError("the connection is closed")
        execute = cast("Any", self._connection)._execute  # noqa: SLF001
        answer: T = await execute(function, self._raw)
        return answer

    async def close(self) -> None:
        """Close."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
            self._raw = None


class ExecutorConnection:
    """The same in a thread of our own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._raw: sqlite3.Connection | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pyflow-sqlite")

    async def open(self) -> None:
        """Connect."""
        try:
            self._raw = await asyncio.get_running_loop().run_in_executor(self._executor, self._connect)
        except BaseException:
            self._executor.shutdown(wait=False)
            raise

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` in the thread."""
        if self._raw is None:
            raise RuntimeError("the connection is closed")
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, self._raw)

    async def close(self) -> None:
        """Close."""
        raw, self._raw = self._raw, None
        if raw is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, raw.close)
        self._executor.shutdown()


def make_connection(connect: Callable[[], sqlite3.Connection]) -> Connection:
    """A connection in a thread of its own; `connect` is called there."""
    if hasattr(aiosqlite.Connection, "_execute"):
        return AiosqliteConnection(connect)
    return ExecutorConnection(connect)
