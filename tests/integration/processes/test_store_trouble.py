"""The disk is full, the file is locked or may not be written: runs wait and go on, and nothing is lost or done twice.

Nobody dies here, so that each step is executed exactly once: its result waits in the process until it can be written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from flow_fleet import Fleet
from flow_sample import Amount, project
from pyflow_services.sqlite import SqliteStateService, schema

from pyflow_core.errors import StoreFullError, StoreUnavailableError
from pyflow_core.ports.state import Envelope, NewRun
from tests.fixtures.family import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from pathlib import Path

    from tests.fixtures.family import Family

pytest_plugins = ["tests.fixtures.processes"]

RUNS = 4
STEPS = 6
TEXT = "x" * 30_000
ALL_INLINE: dict[str, Any] = {"inline_max": 65_536, "inline_budget": 1_000_000_000}
"""It is the store of rows that is in trouble here, and large values are to meet it."""
"""So large that a few steps fill what little room there is."""

EXECUTIONS = {(f"r{run}", f"step-{step}"): 1 for run in range(RUNS) for step in range(STEPS)}


@pytest.fixture
def fleet(family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    return Fleet(family, tmp_path, monkeypatch)


@contextmanager
def trouble(caplog: pytest.LogCaptureFixture, text: str) -> Iterator[Callable[[], Any]]:
    """A way to wait until a worker has told of trouble."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith(("store.trouble", "run.reloaded")) and text in record.getMessage():
                loop.call_soon_threadsafe(told.set)

    listener = Listener()
    logging.getLogger("pyflow").addHandler(listener)
    caplog.set_level("INFO", logger="pyflow")
    try:
        yield lambda: asyncio.wait_for(told.wait(), PATIENCE_SECONDS)
    finally:
        logging.getLogger("pyflow").removeHandler(listener)


async def until_a_step_has_run(fleet: Fleet) -> None:
    while not fleet.notes():  # noqa: ASYNC110 - a file has no event
        await asyncio.sleep(0)


async def pragma(service: SqliteStateService, text: str) -> int:
    """A pragma of the writing connection; what it gave."""

    def run(database: sqlite3.Connection) -> int:
        row = database.execute(f"PRAGMA {text}").fetchone()
        return int(row[0]) if row else 0

    assert service._connection is not None
    return await service._connection.run(run)


async def run_through(
    fleet: Fleet, database: Path, make_trouble: Any, *, fused: bool, steps: int = STEPS, text: str = TEXT
) -> None:
    """Runs that meet the trouble in the middle, and go on when it is over."""
    service = SqliteStateService(database, synchronous="normal")
    await service.open()
    async with project.connect(state=service, worker=True, fused_commits=fused, **ALL_INLINE) as client:
        starts = (client.start("chain", Amount(count=steps, text=text), run_id=f"r{run}") for run in range(RUNS))
        async with make_trouble(service):
            runs = await asyncio.gather(*starts)
        results = await asyncio.gather(*(run.result(timeout=PATIENCE_SECONDS) for run in runs))
    await service.close()
    assert results == [sum(range(steps))] * RUNS
    assert set(fleet.executions().values()) == {1}
    assert len(fleet.executions()) == RUNS * steps
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for (steps_recorded,) in connection.execute("SELECT count(*) FROM steps GROUP BY run"):
            assert steps_recorded == 2 * steps


each_way = pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])


@each_way
def test_runs_wait_while_the_disk_is_full(fleet: Fleet, caplog: pytest.LogCaptureFixture, fused: bool) -> None:
    async def scenario() -> None:
        with trouble(caplog, "is full") as until_trouble:

            @asynccontextmanager
            async def little_room(service: SqliteStateService) -> AsyncGenerator[None]:
                await pragma(service, f"max_page_count = {await pragma(service, 'page_count') + 60}")
                yield
                await until_trouble()
                await pragma(service, "max_page_count = 1000000")

            await run_through(fleet, fleet.database, little_room, fused=fused)

    asyncio.run(scenario())


@each_way
def test_runs_wait_while_another_program_locks_the_file(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, fused: bool
) -> None:
    async def scenario() -> None:
        with trouble(caplog, "stayed locked") as until_trouble:

            @asynccontextmanager
            async def lock(service: SqliteStateService) -> AsyncGenerator[None]:
                yield
                await until_a_step_has_run(fleet)
                with closing(sqlite3.connect(fleet.database, timeout=PATIENCE_SECONDS)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    await until_trouble()
                    other.rollback()

            await run_through(fleet, fleet.database, lock, fused=fused, steps=30, text="")

    asyncio.run(scenario())


@each_way
def test_runs_wait_while_the_file_may_not_be_written(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, fused: bool
) -> None:
    async def scenario() -> None:
        with trouble(caplog, "cannot be written") as until_trouble:

            @asynccontextmanager
            async def forbid(service: SqliteStateService) -> AsyncGenerator[None]:
                yield
                await until_a_step_has_run(fleet)
                await pragma(service, "query_only = ON")
                await until_trouble()
                await pragma(service, "query_only = OFF")

            await run_through(fleet, fleet.database, forbid, fused=fused, steps=30, text="")

    asyncio.run(scenario())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root may mount")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@each_way
def test_runs_wait_while_a_real_disk_is_full(
    fleet: Fleet, small_disk: Path, caplog: pytest.LogCaptureFixture, fused: bool
) -> None:
    ballast = small_disk / "ballast"

    async def scenario() -> None:
        with trouble(caplog, "store.trouble") as until_trouble:

            @asynccontextmanager
            async def fill(_: SqliteStateService) -> AsyncGenerator[None]:
                yield
                await until_a_step_has_run(fleet)
                with suppress(OSError), ballast.open("wb", buffering=0) as file:
                    while file.write(b"x" * 4096):
                        pass
                await until_trouble()
                ballast.unlink()

            await run_through(fleet, small_disk / "state.db", fill, fused=fused, steps=12, text="x" * 500)

    asyncio.run(scenario())


def test_a_log_that_has_filled_the_disk_makes_room_for_itself_with_the_little_that_comes_back(small_disk: Path) -> None:
    ballast = small_disk / "ballast"

    async def write(service: SqliteStateService, runs: range) -> None:
        for number in runs:
            await service.create_run(NewRun(f"r{number}", "chain", Envelope("{}"), "code"))

    async def scenario() -> None:
        service = SqliteStateService(small_disk / "state.db")
        await service.open()
        await write(service, range(10))
        await pragma(service, "wal_autocheckpoint = 0")
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        os.truncate(ballast, ballast.stat().st_size - 500_000)
        with pytest.raises(StoreFullError):
            await write(service, range(10, 1000))
        # Room for the database, but by far not for what the log would grow by.
        os.truncate(ballast, ballast.stat().st_size - 100_000)
        await write(service, range(1000, 1100))
        assert len(await service.find_runs("r1", 1000)) > 100
        await service.close()

    asyncio.run(scenario())


def test_a_start_that_finds_no_room_says_so_and_starts_nothing(fleet: Fleet) -> None:
    async def scenario() -> None:
        service = SqliteStateService(fleet.database)
        await service.open()
        async with project.connect(state=service, **ALL_INLINE) as client:
            await client.start("chain", Amount(count=1), run_id="before")
            await pragma(service, f"max_page_count = {await pragma(service, 'page_count')}")
            with pytest.raises(StoreFullError, match="make room and try again"):
                await client.start("chain", Amount(count=1, text="x" * 60_000), run_id="r")
            await pragma(service, "max_page_count = 1000000")
            assert [run.run_id for run in (await client.list_runs()).runs] == ["before"]
            await client.start("chain", Amount(count=1, text="x" * 60_000), run_id="r")
        await service.close()

    asyncio.run(scenario())


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")

    async def scenario() -> None:
        await SqliteStateService(folder / "state.db").open()

    with pytest.raises(StoreUnavailableError, match=r"locked/state\.db"):
        asyncio.run(scenario())
