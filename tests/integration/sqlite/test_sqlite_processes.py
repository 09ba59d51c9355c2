"""Several processes on one file. Everything waits for what it has observed; the time limits only end a hang."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_services.sqlite import SqliteStateService, wakeup
from sqlite_process import done

from pyflow_core.errors import StaleLeaseError
from pyflow_core.ports.state import Activation, Envelope, NewRun, NewStep, ParkedRun, RunStatus, StepStatus, WorkerInfo

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

PROCESS = Path(__file__).with_name("sqlite_process.py")
QUEUE = "workflow-mail-send"
PATIENCE_SECONDS = 60.0
LONG = 3600.0
SHORT = 0.2


class Child:
    """A worker in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def says(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def says_all(self) -> list[str]:
        lines: list[str] = []
        while (line := await self.says()) not in {"end", ""}:
            lines.append(line)
        return lines

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go on\n")

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def child(path: Path, worker: str, command: str, *flags: str, lease: float = LONG) -> AsyncGenerator[Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROCESS), str(path), worker, str(lease), command, *flags,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # Its pipes are closed with it, not when it is collected.
        process._transport.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def store(path: Path, worker: str = "parent") -> AsyncGenerator[SqliteStateService]:
    service = SqliteStateService(path, synchronous="normal")
    await service.open()
    await service.join(WorkerInfo(worker, LONG, "host", 1))
    try:
        yield service
    finally:
        await service.close()


async def make_runs(service: SqliteStateService, runs: int, steps: int) -> set[str]:
    """Parked runs with pending steps; the names of the steps."""
    for number in range(runs):
        await ask(service, f"run-{number}", *(f"step-{step}" for step in range(steps)))
    return {f"run-{number} step-{step}" for number in range(runs) for step in range(steps)}


async def ask(service: SqliteStateService, run_id: str, *names: str) -> None:
    await service.create_run(NewRun(run_id, "mail", Envelope("{}"), "code"), claim_for="parent")
    asks = [NewStep(name, "mail.send", QUEUE, None, None, Envelope("{}"), "0" * 64, 0, claimed=False) for name in names]
    assert (await service.commit(Activation(run_id, 1, "parent", 0, asks=asks, park=True))).parked


def patiently(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    def run(tmp_path: Path, **parameters: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await test(tmp_path / "flow.db", **parameters)

        asyncio.run(main())

    run.__name__ = test.__name__
    run.__dict__.update(test.__dict__)
    return run


@patiently
async def test_of_several_processes_each_step_is_claimed_by_one(path: Path) -> None:
    async with store(path) as service:
        wanted = await make_runs(service, runs=20, steps=10)
        async with (
            child(path, "w1", "take") as one,
            child(path, "w2", "take") as two,
            child(path, "w3", "take") as three,
        ):
            children = (one, two, three)
            for each in children:
                assert await each.says() == "ready"
            for each in children:
                each.tell()
            taken = [line for lines in await asyncio.gather(*(each.says_all() for each in children)) for line in lines]
    assert len(taken) == len(wanted)
    assert set(taken) == wanted


def test_of_several_threads_each_run_is_claimed_by_one(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    claimed: list[str] = []
    start = threading.Barrier(4)

    async def prepare() -> None:
        async with store(path) as service:
            for number in range(60):
                await service.create_run(NewRun(f"run-{number}", "mail", Envelope("{}"), "code"))

    async def claim(worker: str) -> None:
        async with store(path, worker) as service:
            await asyncio.to_thread(start.wait, PATIENCE_SECONDS)
            while claims := await service.claim_runs(worker, ["mail"], 2, parked={}):
                claimed.extend(one.run_id for one in claims)

    asyncio.run(prepare())
    threads = [threading.Thread(target=lambda name=name: asyncio.run(claim(name))) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert sorted(claimed) == sorted(f"run-{number}" for number in range(60))


@patiently
async def test_the_work_of_a_killed_process_is_free_at_once_though_its_lease_is_long(path: Path) -> None:
    async with store(path) as service:
        await make_runs(service, runs=1, steps=2)
        finished = await service.claim_step("run-0", "step-1", "parent")
        assert finished is not None
        await service.finish_step(finished, "parent", done(finished))
        async with child(path, "child", "hold", lease=LONG) as holder:
            assert await holder.says() == "holding"
            assert await service.reap() == ()
            assert {worker.worker_id for worker in await service.live_workers()} == {"parent", "child"}
            await holder.kill()
            assert [worker.worker_id for worker in await service.live_workers()] == ["parent"]
            assert await service.reap() == ("child",)
            assert await service.reap() == ()
        run = await service.get_run("run-0")
        step = await service.get_step_state("run-0", "step-0")
        assert run is not None
        assert step is not None
        assert (run.owner, run.status, run.takeovers) == (None, RunStatus.RUNNING, 1)
        assert (step.status, step.deaths, step.attempts) == (StepStatus.PENDING, 1, 0)
        assert await service.claim_step("run-0", "step-0", "parent") is not None
        # The head start of a last owner is not for one that is gone.
        assert len(await service.claim_runs("parent", ["mail"], 1, parked={})) == 1
    assert not list(path.with_name("flow.db.workers").iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@patiently
async def test_a_child_that_outlives_its_worker_does_not_make_it_seem_alive(path: Path) -> None:
    async with store(path) as service, child(path, "child", "fork") as worker:
        grandchild = int(await worker.says())
        try:
            assert await service.reap() == ()
            await worker.kill()
            assert await service.reap() == ("child",)
            os.kill(grandchild, 0)  # it lives
        finally:
            os.kill(grandchild, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals that stop a process")
@patiently
async def test_a_stopped_worker_cannot_write_after_its_lease_has_expired(path: Path) -> None:
    async with store(path) as service:
        await make_runs(service, runs=1, steps=2)
        finished = await service.claim_step("run-0", "step-1", "parent")
        assert finished is not None
        await service.finish_step(finished, "parent", done(finished))
        async with child(path, "child", "hold", lease=SHORT) as holder:
            assert await holder.says() == "holding"
            os.kill(holder.process.pid, signal.SIGSTOP)
            while await service.reap() != ("child",):
                pass
            retaken = await service.claim_step("run-0", "step-0", "parent")
            assert retaken is not None
            os.kill(holder.process.pid, signal.SIGCONT)
            holder.tell()
            assert [await holder.says() for _ in range(4)] == ["lost", "stale", "stale", "none"]
        await service.finish_step(retaken, "parent", done(retaken))


@patiently
async def test_a_byte_wakes_another_process(path: Path) -> None:
    async with store(path) as service, child(path, "child", "listen", "--no-polling") as listener:
        assert await listener.says() == "hint"  # it listens now
        for number in range(5):
            await service.create_run(NewRun(f"run-{number}", "mail", Envelope("{}"), "code"))
            assert await listener.says() == "hint"


@patiently
async def test_polling_wakes_another_process_where_there_are_no_sockets(path: Path) -> None:
    async with store(path) as service, child(path, "child", "listen", "--no-datagrams") as listener:
        assert await listener.says() == "hint"
        await service.create_run(NewRun("run-0", "mail", Envelope("{}"), "code"))
        assert await listener.says() == "hint"


@patiently
async def test_no_wake_up_is_lost_between_two_processes(path: Path) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(wakeup, "BUSY_POLL_SECONDS", LONG)
    patch.setattr(wakeup, "IDLE_POLL_SECONDS", LONG)
    hints: asyncio.Queue[None] = asyncio.Queue()
    try:
        async with store(path) as service, child(path, "child", "serve", "--no-polling"):
            stop = service.subscribe(lambda: hints.put_nowait(None))
            for number in range(50):
                await ask(service, f"run-{number}", "step-0")
                parked = {f"run-{number}": ParkedRun(1, 0)}
                while not (claims := await service.claim_runs("parent", ["mail"], 1, parked=parked)):
                    await hints.get()
                assert [fresh.seq for fresh in claims[0].fresh] == [1]
            stop()
    finally:
        patch.undo()


@patiently
async def test_a_listener_that_is_gone_is_forgotten(path: Path) -> None:
    async with store(path) as service:
        async with child(path, "child", "listen") as listener:
            assert await listener.says() == "hint"
            assert _listeners(path) == 1
            await listener.kill()
        assert await service.reap() == ("child",)
        assert _listeners(path) == 0


@patiently
async def test_own_commits_wake_own_subscribers_once_a_turn(path: Path) -> None:
    hints: asyncio.Queue[None] = asyncio.Queue()
    async with store(path) as service:
        stop = service.subscribe(lambda: hints.put_nowait(None))
        await hints.get()
        runs = [NewRun(f"run-{number}", "mail", Envelope("{}"), "code") for number in range(20)]
        await asyncio.gather(*(service.create_run(run) for run in runs))
        await hints.get()
        assert hints.empty()
        stop()
        stop()
    assert _listeners(path) == 0


@patiently
async def test_a_second_process_is_refused_a_worker_that_lives(path: Path) -> None:
    async with store(path), child(path, "child", "hold"):
        pass
    async with store(path) as service, child(path, "parent", "listen") as impostor:
        assert await impostor.process.wait() != 0
        assert service.renew("parent")


def test_heartbeats_come_from_any_thread_while_the_writer_is_at_work(tmp_path: Path) -> None:
    async def main() -> None:
        async with store(tmp_path / "flow.db") as service:
            beats: list[bool] = []
            stop = threading.Event()

            def beat() -> None:
                # Between beats the writer must find its chance: SQLite's lock is not fair.
                while not stop.wait(0.002):
                    beats.append(service.renew("parent"))

            thread = threading.Thread(target=beat)
            thread.start()
            for number in range(50):
                await service.create_run(NewRun(f"run-{number}", "mail", Envelope("{}"), "code"))
            stop.set()
            await asyncio.to_thread(thread.join, PATIENCE_SECONDS)
            assert beats
            assert all(beats)
            assert not service.renew("nobody")

    asyncio.run(main())


@patiently
async def test_leaving_frees_at_once_and_is_no_death(path: Path) -> None:
    async with store(path) as service:
        await make_runs(service, runs=1, steps=1)
        claim = await service.claim_step("run-0", "step-0", "parent")
        assert claim is not None
        await service.leave("parent")
        step = await service.get_step_state("run-0", "step-0")
        assert step is not None
        assert (step.status, step.deaths, step.attempts) == (StepStatus.PENDING, 0, 0)
        with pytest.raises(StaleLeaseError):
            await service.finish_step(claim, "parent", done(claim))
        assert not list(path.with_name("flow.db.workers").iterdir())


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_it_works_on_every_loop(tmp_path: Path, kind: str, debug: bool) -> None:
    uvloop = pytest.importorskip("uvloop") if kind == "uvloop" else None

    async def main() -> None:
        hints: asyncio.Queue[None] = asyncio.Queue()
        async with store(tmp_path / "flow.db") as service:
            service.subscribe(lambda: hints.put_nowait(None))
            await make_runs(service, runs=3, steps=2)
            await hints.get()
            claims = await service.claim_steps("parent", {QUEUE: 10})
            await asyncio.gather(*(service.finish_step(claim, "parent", done(claim)) for claim in claims))
            assert len(await service.claim_runs("parent", ["mail"], 10, parked={})) == 3

    with asyncio.Runner(debug=debug, loop_factory=None if uvloop is None else uvloop.new_event_loop) as runner:
        runner.run(main())


def _listeners(path: Path) -> int:
    database = sqlite3.connect(path)
    count: int = database.execute("SELECT count(*) FROM listeners").fetchone()[0]
    database.close()
    return count
