"""What the engine's suite works with: modes, a store for each, gates for steps, and a look at what a replay does."""

from __future__ import annotations

import asyncio
import functools
import inspect
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyflow_services.sqlite import SqliteStateService
from pyflow_services.sqlite.writer import Operation

from pyflow_core.engine.replay import Replay
from pyflow_core.engine.twin import Twins
from pyflow_core.engine.values import RunValues
from pyflow_core.ports.state import RunStatus
from pyflow_core.testing import Engine, engine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from pyflow_services.sqlite.transaction import Transaction

    from pyflow_core.engine.command import Command, Invoke
    from pyflow_core.engine.execution import Execution
    from pyflow_core.testing import VirtualClock

TEST_SECONDS = 60.0
"""A test that hangs fails after so long; none should take a tenth of it."""


def async_test(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test on a loop of its own."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        async def play() -> None:
            async with asyncio.timeout(TEST_SECONDS):
                await test(**fixtures)

        asyncio.run(play())

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run


class CrashableSqlite(SqliteStateService):
    """A SQLite store in which a worker of this process can be dead."""

    def expire(self, worker_id: str) -> None:
        """Let go of the lock by which others see that the worker is alive."""
        self._locks.pop(worker_id).release()


@dataclass(frozen=True)
class Mode:
    """One way to run the engine, which must make no difference."""

    name: str
    fused: bool = True
    cache: int | None = None
    replays: bool = False
    sqlite: bool = False
    folder: Path = field(default=Path(), compare=False)

    def __str__(self) -> str:
        return self.name

    def engine(self, **options: Any) -> Any:
        """The engine in this mode."""
        own: dict[str, Any] = {"fused": self.fused, "cache": self.cache, "replays": self.replays}
        if self.sqlite:
            own["state"] = self.make_sqlite
        return engine(**{**own, **options})

    def make_sqlite(self, clock: VirtualClock) -> SqliteStateService:
        """A store on a file of the test's."""
        return CrashableSqlite(self.folder / "state.db", synchronous="normal", clock=clock)


MEMORY_MODES = [
    Mode(f"{'fused' if fused else 'plain'}-{name}", fused, cache, replays)
    for fused in (True, False)
    for name, cache, replays in (
        ("cached", None, False),
        ("cache-1", 1, False),
        ("cache-0", 0, False),
        ("replayed", 0, True),
    )
]
SQLITE_MODES = [
    Mode("sqlite-fused", sqlite=True),
    Mode("sqlite-replayed", fused=False, cache=0, replays=True, sqlite=True),
]


class Gates:
    """Lets steps end in the order that a test wants. `service` of an RPC: `await gates.wait(name)`."""

    def __init__(self, *order: str) -> None:
        self._events: dict[str, asyncio.Event] = {}
        self.entered: list[str] = []
        self.all_open = False
        self._order = list(order)
        if order:
            self.open(order[0])

    def open(self, *names: str) -> None:
        """Let these steps end."""
        for name in names:
            self._event(name).set()

    def open_all(self) -> None:
        """Let every step end, now and later."""
        self.all_open = True
        self.open(*self._events)

    async def wait(self, name: str) -> None:
        """Inside a step: wait for the gate, then open that of the next one."""
        self.entered.append(name)
        if not self.all_open:
            await self._event(name).wait()
        if name in self._order:
            following = self._order[self._order.index(name) + 1 :]
            self.open(*following[:1])

    async def entered_by(self, name: str) -> None:
        """Return when this step has begun."""
        while name not in self.entered:  # noqa: ASYNC110 - every turn of the loop is looked at
            await asyncio.sleep(0)

    def _event(self, name: str) -> asyncio.Event:
        return self._events.setdefault(name, asyncio.Event())


@dataclass
class Replayed:
    """What came of a replay: how the function ended, what it still wanted, and why it was refused."""

    execution: Execution
    wanted: list[Command]

    @property
    def outcome(self) -> Any:
        """The result, the exception, or `"unfinished"`."""
        root = self.execution.root
        if not root.done():
            return "unfinished"
        if root.cancelled():
            return "cancelled"
        return root.exception() or root.result()


async def replay(e: Engine, run_id: str, *, workflow: str | None = None, code: Any = None) -> Replayed:
    """Replay what the store holds of a run, by the engine's code or by other code."""
    history = await e.state.load_run(run_id)
    assert history is not None
    runtime = code or e.client.runtime
    run = history.run
    definition = runtime.registry.workflow(workflow or run.workflow)
    data = await runtime.data_of(definition.signature, run.input, run.tenant)
    execution = runtime.execution(definition, run_id, data, actor=run.actor, started_at=run.created_at)

    async def answer(invokes: list[Invoke]) -> None:
        for invoke in invokes:
            execution.answer(invoke, await runtime.invoke(invoke.rpc.name, invoke.data))

    return Replayed(
        execution, await Replay(execution, history, answer, RunValues(runtime.values, run.tenant, Twins())).run()
    )


async def run_and_replay(e: Engine, workflow: str, data: Any = None, **options: Any) -> Any:
    """The output of a run, after a replay of its history has given the same."""
    arguments = () if data is None else (data,)
    handle = await e.start(workflow, *arguments, **options)
    output = await e.result(handle)
    again = await replay(e, handle.run_id)
    assert again.execution.refusal is None
    assert again.outcome == output
    assert again.execution.retire() == 0
    return output


async def blocked(e: Engine, workflow: str, data: Any = None) -> Any:
    """The error by which a run was blocked, having left nothing behind but what was recorded before."""
    arguments = () if data is None else (data,)
    run = await e.settle(await e.start(workflow, *arguments))
    assert run.status is RunStatus.BLOCKED, (run.status, run.error, run.output)
    assert run.error is not None
    return run.error


@asynccontextmanager
async def second_worker(e: Engine, **options: Any) -> AsyncGenerator[Engine]:
    """Another engine, with a worker of its own, on the same store and clock."""
    registry = options.pop("registry", e.client.runtime.registry)
    async with engine(state=e.state, clock=e.clock, registry=registry, **options) as other:
        yield other


async def bar_anyway(state: Any, key: str) -> None:
    """Bar a key although a run that lives may be about to refer to it, as for an orphan of a run that is gone."""
    tables = getattr(state, "_tables", None)
    if tables is not None:
        tables.payloads.tombstones[key] = 0.0
    else:
        await state.write(_BAR_ANYWAY, key)


def _enter_tombstones(transaction: Transaction, keys: Sequence[str]) -> list[None]:
    for key in keys:
        transaction.cursor.execute("INSERT OR IGNORE INTO payload_tombstones (key, at) VALUES (?, 0)", [key])
    return [None] * len(keys)


_BAR_ANYWAY: Operation[str, None] = Operation("bar_anyway", _enter_tombstones)
