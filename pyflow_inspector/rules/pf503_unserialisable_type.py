"""PF503: unserialisable type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.annotation import Annotation
    from pyflow_inspector.model import ProjectModel

AWAITABLES = frozenset(
    f"{module}.{name}" for module in ("collections.abc", "typing") for name in ("Awaitable", "Coroutine")
)
"""What a plain function may say that it returns: the result is then what they give."""

UNSTORABLE = AWAITABLES | frozenset(
    """
    asyncio.AbstractEventLoop asyncio.Condition asyncio.Event asyncio.Future asyncio.Lock asyncio.Queue
    asyncio.Semaphore asyncio.StreamReader asyncio.StreamWriter asyncio.Task asyncio.TaskGroup
    collections.abc.AsyncGenerator collections.abc.AsyncIterable collections.abc.AsyncIterator
    collections.abc.Generator collections.abc.Iterable collections.abc.Iterator
    concurrent.futures.Executor concurrent.futures.Future concurrent.futures.ThreadPoolExecutor
    contextlib.AsyncExitStack contextlib.ExitStack functools.partial http.client.HTTPConnection
    io.BufferedReader io.BufferedWriter io.BytesIO io.FileIO io.IOBase io.StringIO io.TextIOBase io.TextIOWrapper
    logging.Logger logging.LoggerAdapter multiprocessing.Process queue.Queue random.Random re.Match
    socket.socket sqlite3.Connection sqlite3.Cursor ssl.SSLContext subprocess.Popen
    threading.Condition threading.Event threading.Lock threading.Semaphore threading.Thread
    types.CodeType types.CoroutineType types.FrameType types.FunctionType types.GeneratorType types.MethodType
    types.ModuleType types.SimpleNamespace types.TracebackType
    typing.AsyncGenerator typing.AsyncIterable typing.AsyncIterator typing.BinaryIO typing.Generator typing.IO
    typing.Iterable typing.Iterator typing.TextIO
    """.split()  # noqa: SIM905 - as many quotes would hide the names
)
"""Well-known types that pydantic has no way to write."""


class UnserialisableType(Rule):
    """The data or the result of a wired function is of a type that cannot be stored.

    Data and results are written as JSON by pydantic, and read again in other processes. Open files, sockets, tasks,
    locks, modules and functions cannot be, nor can iterators and generators, which are used up by reading them. The
    first value of such a type would be refused.

    Take and give values: the path of a file, the rows that a cursor would yield, a list instead of an iterator. What
    belongs to the process is a service.

    Only well-known types of the standard library are named here; all others are refused at run time.
    """

    code = "PF503"
    name = "unserialisable-type"
    severity = "error"
    valid = (
        Example(
            """
            from collections.abc import Sequence
            from datetime import datetime
            from pathlib import Path

            from pyflow_core import wire_rpc

            @wire_rpc("report.read")
            async def read(data: Sequence[Path]) -> dict[str, datetime]: ...
            """
        ),
        Example(
            """
            from collections.abc import Awaitable
            from typing import TextIO

            from pyflow_core import wire_rpc

            @wire_rpc("report.write")
            def write(data: str, *, out: TextIO) -> Awaitable[int]: ...
            """
        ),
    )
    invalid = (
        Example(
            """
            from collections.abc import Iterable, Iterator
            from typing import IO

            from pyflow_core import wire_rpc

            @wire_rpc("report.read")
            async def read(data: IO[str]) -> Iterator[str]: ...

            @wire_rpc("report.sum")
            async def add(data: list[Iterable[int]]) -> int: ...
            """,
            marks=("IO", "Iterator", "Iterable"),
        ),
        Example(
            """
            import asyncio
            import sqlite3

            from pyflow_core import wire_workflow

            @wire_workflow("report")
            async def report(data: sqlite3.Connection, *, workflow) -> asyncio.Task[str] | None: ...
            """,
            marks=("sqlite3.Connection", "asyncio.Task"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Names in data and result annotations that stand for such types."""
        for wired in model.functions:
            signature = wired.signature
            waits = AWAITABLES if not signature.is_async else frozenset[str]()
            yield from self._names(signature.data, "the data", frozenset())
            yield from self._names(signature.result, "the result", waits)

    def _names(self, annotation: Annotation | None, what: str, allowed: frozenset[str]) -> Iterator[Diagnostic]:
        refs = {} if annotation is None else annotation.meta.refs
        if annotation is None or any(path.endswith(":Annotated") for path in refs.values()):
            return  # which may say how to store it
        for name, path in refs.items():
            dotted = path.replace(":", ".")
            if dotted in UNSTORABLE - allowed:
                text = f"{what} cannot be stored: {dotted} lives in one process only"
                advice = "take and give values that can be written as JSON; what belongs to the process is a service"
                yield self.at(annotation.name_span(name), text, advice)
