"""What the tests of the SQLite store share: an open service with a worker, short words, and a failing connection."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pyflow_services.sqlite import SqliteStateService, schema

from pyflow_core.ports.state import (
    OMITTED,
    Activation,
    Envelope,
    NewRun,
    NewStep,
    RunStatus,
    Settlement,
    StepForm,
    StepResult,
    WorkerInfo,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

WORKER = "worker-1"
QUEUE = "workflow-mail-send"
PATIENCE_SECONDS = 60.0
DONE = Settlement(RunStatus.COMPLETED, Envelope('"done"'), None)


def asynchronous(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test on a loop of its own; one that hangs fails."""

    @functools.wraps(test)
    def run(*values: Any, **fixtures: Any) -> None:
        async def patient() -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await test(*values, **fixtures)

        asyncio.run(patient())

    return run


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncGenerator[SqliteStateService]:
    service = SqliteStateService(path, **{"synchronous": "normal", **options})
    await service.open()
    try:
        yield service
    finally:
        await service.close()


@asynccontextmanager
async def staffed(path: Path, worker: str = WORKER, **options: Any) -> AsyncGenerator[SqliteStateService]:
    async with opened(path, **options) as service:
        await service.join(WorkerInfo(worker, 30.0, "host", 1))
        yield service


def new_run(run_id: str, **fields: Any) -> NewRun:
    return NewRun(**{"run_id": run_id, "workflow": "mail", "input": Envelope("{}"), "code_hash": "code", **fields})


async def owned(service: SqliteStateService, *run_ids: str, worker: str = WORKER) -> None:
    for run_id in run_ids:
        assert (await service.create_run(new_run(run_id), claim_for=worker)).epoch == 1


def result(name: str, *, form: StepForm = StepForm.INLINE, epoch: int = 1, output: Envelope = OMITTED) -> StepResult:
    return StepResult(form, name, epoch, 1, output, None, 0, None, None, 1.0, 2.0)


def turn(run_id: str, *names: str, epoch: int = 1, **fields: Any) -> Activation:
    results = [result(name) for name in names]
    return Activation(
        run_id, epoch, fields.pop("worker", WORKER), fields.pop("delivered", 0), results=results, **fields
    )


def ask(name: str, *, claimed: bool = False, value: Envelope = Envelope("{}"), queue: str = QUEUE) -> NewStep:  # noqa: B008
    return NewStep(name, "mail.send", queue, None, None, value, "0" * 64, 0, claimed)


class FailingCursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        connection = self.connection
        assert isinstance(connection, FailingConnection)
        if sql in connection.fails:
            raise connection.fails[sql]
        return super().execute(sql, parameters)


class FailingConnection(sqlite3.Connection):
    """Fails at the statements that it is told, with the error that it is given."""

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.fails: dict[str, Exception] = {}

    def cursor(self, *_: Any, **__: Any) -> sqlite3.Cursor:
        return FailingCursor(self)


def disk_error() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # type: ignore[misc]
    return error


def fail_on_demand(monkeypatch: Any) -> None:
    """Let every connection that is opened from now on be a failing one."""
    monkeypatch.setattr(schema.sqlite3, "connect", functools.partial(sqlite3.connect, factory=FailingConnection))


async def raw(service: SqliteStateService, use: Callable[[sqlite3.Connection], Any]) -> Any:
    """Use the writing connection of a service directly."""
    assert service._connection is not None
    return await service._connection.run(use)
