"""One SQLite connection and the thread that it lives in.

The reading connection lives in a thread of aiosqlite. Its public calls cost a hop to that thread for every statement; a
whole read transaction in one hop needs its private `_execute`, which nothing else in pyflow touches. Should a release
move it, `ThreadConnection` does the same with the standard library alone. The writing connection is one of these from
the start: the time from a commit to its answer is what a run waits for at every step.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
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


class ThreadConnection:
    """A connection in a thread of our own, which can be given work that nobody waits for.

    It costs one hop: the work itself tells the loop of its end, where aiosqlite's thread would tell it once more.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._work: SimpleQueue[Callable[[sqlite3.Connection], None] | None] | None = None

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        work: SimpleQueue[Callable[[sqlite3.Connection], None] | None] = SimpleQueue()
        # As a daemon: a program that fails before it closes the store must still end.
        Thread(target=self._serve, args=(loop, opened, work), name="pyflow-sqlite", daemon=True).start()
        try:
            await opened
        except BaseException:
            work.put(None)
            raise
        self._work = work

    def post(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Have `work` called in the thread; it must not raise."""
        if self._work is None:
            raise RuntimeError("the connection is closed")
        self._work.put(work)

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` in the thread."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def work(database: sqlite3.Connection) -> None:
            _answer_from(loop, answer, partial(function, database))

        self.post(work)
        return await answer

    async def close(self) -> None:
        """Close."""
        if self._work is not None:
            closing = self.run(sqlite3.Connection.close)
            try:
                await closing
            finally:
                work, self._work = self._work, None
                work.put(None)

    def _serve(
        self,
        loop: asyncio.AbstractEventLoop,
        opened: asyncio.Future[None],
        queue: SimpleQueue[Callable[[sqlite3.Connection], None] | None],
    ) -> None:
        connected: list[sqlite3.Connection] = []
        _answer_from(loop, opened, lambda: connected.append(self._connect()))
        while (work := queue.get()) is not None:
            work(connected[0])


def _answer_from(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T], function: Callable[[], T]) -> None:
    """Call a function in this thread and answer in the loop's."""
    try:
        value = function()
    except BaseException as error:  # noqa: BLE001 - it is raised where the caller waits
        _tell(loop, _set, answer, None, error)
    else:
        _tell(loop, _set, answer, value, None)


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *arguments: object) -> None:
    # A loop that was closed meanwhile has nobody left who waits.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback, *arguments)


def _set(answer: asyncio.Future[Any], value: object, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(error)


def make_connection(connect: Callable[[], sqlite3.Connection]) -> Connection:
    """A connection in a thread of its own; `connect` is called there."""
    if hasattr(aiosqlite.Connection, "_execute"):
        return AiosqliteConnection(connect)
    return ThreadConnection(connect)
