"""An example on a real Redis server: stock `arq` workers and `pyflow worker`, drained, killed, and forgotten."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import redis
from pyflow_services.arq import ArqQueueService
from pyflow_services.sqlite import SqliteStateService

from tests.fixtures.family import until
from tests.fixtures.onboarding import Onboarding, once

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.ports.state import Job
    from tests.fixtures.family import Family, Process

pytest_plugins = ["tests.fixtures.valkey", "tests.fixtures.processes"]

ORCHESTRATOR = "Onboarding"
STEP_WORKERS = ("OnboardingCreateUser", "OnboardingValidateEmail", "OnboardingSetupPremium")
CREATE_USER = "OnboardingCreateUser"
LATER_SECONDS = 400.0
"""Longer than a job that was put on its queue is believed to be there."""


class OnRedis(Onboarding):
    """The example with its queue on a Redis server."""

    def __init__(self, family: Family, folder: Path, url: str) -> None:
        super().__init__(family, folder, PYFLOW_QUEUE=url)
        self.url = url

    def arq(self, *workers: str) -> list[Process]:
        """Stock arq workers, at work."""
        processes = [self.python("-m", "arq", f"onboarding_app.pyflow_gen.workers.{worker}") for worker in workers]
        for process in processes:
            self.until_joined(process)
        return processes

    def stored(self) -> bytes:
        """Everything that the server holds, in one piece."""
        with closing(redis.Redis.from_url(self.url)) as client:
            untyped: Any = client
            return b"\n".join(key + b" " + self._value(untyped, key) for key in untyped.keys("*"))

    @staticmethod
    def _value(client: Any, key: bytes) -> bytes:
        value: bytes = repr(client.zrange(key, 0, -1)).encode() if client.type(key) == b"zset" else client.get(key)
        return value or b""

    def flush(self) -> None:
        with closing(redis.Redis.from_url(self.url)) as client:
            client.flushall()

    def offered(self, *, seconds_later: float = 0.0) -> list[Job]:
        """What the relay would put on the queues, now or later."""

        async def ask() -> list[Job]:
            state = SqliteStateService(self.database, clock=lambda: time.time() + seconds_later)
            await state.open()
            jobs = await state.unqueued(1.0, 100)
            await state.close()
            return jobs

        return asyncio.run(ask())

    def put(self, jobs: list[Job]) -> None:
        async def enqueue() -> None:
            queue = ArqQueueService(self.url)
            await queue.open()
            await queue.enqueue(jobs)
            await queue.close()

        asyncio.run(enqueue())

    def until_queued(self, step_name: str) -> None:
        sql = f"SELECT 1 FROM steps WHERE step_name = '{step_name}' AND status = 'pending' AND queued_at IS NOT NULL"
        until(
            lambda: self.rows(sql), lambda: f"{step_name} is not put on its queue: {self.rows('SELECT * FROM steps')}"
        )


@pytest.fixture
def onboarding(family: Family, tmp_path: Path, valkey_url: str) -> OnRedis:
    return OnRedis(family, tmp_path, valkey_url)


def drained(*processes: Process) -> None:
    """They were told to stop, and did so in order."""
    for process in processes:
        process.send(signal.SIGTERM)
    for process in processes:
        assert process.ends() == 0, process.log
        assert "Traceback" not in process.log


def test_stock_arq_workers_complete_a_run_and_only_ids_travel(onboarding: OnRedis) -> None:
    marker = "marker-of-the-payload"
    onboarding.start("a", "b", email=f"@{marker}.example")
    assert marker.encode() not in onboarding.stored()
    assert b'["a"]' in onboarding.stored()
    processes = onboarding.arq(ORCHESTRATOR)
    onboarding.until_queued("createUser")
    assert marker.encode() not in onboarding.stored()
    assert b'["a","createUser"]' in onboarding.stored()

    processes += onboarding.arq(*STEP_WORKERS)
    onboarding.until_completed("a", "b", among=processes)
    assert onboarding.executions() == once("a", "b")
    assert marker.encode() not in onboarding.stored()
    drained(*processes)
    assert onboarding.rows("SELECT * FROM workers") == []
    assert list(onboarding.database.with_name("state.db.workers").iterdir()) == []
    # Each step was run by the process of its queue.
    assert len({row[0] for row in onboarding.rows("SELECT worker FROM steps WHERE form = 'rpc'")}) == 3


def test_the_step_of_a_killed_arq_worker_is_offered_again(onboarding: OnRedis) -> None:
    processes = onboarding.arq(ORCHESTRATOR, CREATE_USER, *STEP_WORKERS)
    with onboarding.held_up():
        onboarding.start("a")
        pid = onboarding.until_runs("createUser")
        victim = next(process for process in processes if process.pid == pid)
        victim.kill()
    onboarding.until_completed("a", among=processes)
    assert onboarding.rows("SELECT deaths, attempts FROM steps WHERE step_name = 'createUser'") == [(1, 1)]
    assert onboarding.executions() == once("a")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_arq_worker_that_is_told_to_stop_lets_its_step_end(onboarding: OnRedis, number: signal.Signals) -> None:
    [orchestrator, worker] = onboarding.arq(ORCHESTRATOR, CREATE_USER)
    with onboarding.held_up():
        onboarding.start("a")
        onboarding.until_runs("createUser")
        worker.send(number)
        worker.says("shutdown on")
    code = worker.ends()
    assert code == 0, worker.log
    assert "Traceback" not in worker.log
    sql = "SELECT status, attempts, deaths FROM steps WHERE step_name = 'createUser'"
    assert onboarding.rows(sql) == [("completed", 1, 0)]
    onboarding.until_queued("validateEmail")
    drained(orchestrator)


def test_nothing_is_lost_with_the_server(onboarding: OnRedis) -> None:
    # Committed, but never put on the queue: as if the starter had died in between.
    onboarding.start("unmarked", PYFLOW_QUEUE="")
    [orchestrator] = onboarding.arq(ORCHESTRATOR)
    onboarding.until_queued("createUser")  # the relay has offered the run
    onboarding.flush()
    assert onboarding.offered() == []  # it was marked, so it is believed to be there for a while
    lost = onboarding.offered(seconds_later=LATER_SECONDS)
    assert [(job.run_id, job.step_name) for job in lost] == [("unmarked", "createUser")]
    processes = [orchestrator, *onboarding.arq(*STEP_WORKERS)]
    onboarding.put(lost)
    onboarding.until_completed("unmarked", among=processes)
    assert onboarding.executions() == once("unmarked")
    drained(*processes)


def test_one_command_works_on_every_queue(onboarding: OnRedis) -> None:
    worker = onboarding.worker()
    onboarding.start("a")
    onboarding.until_completed("a", among=[worker])
    # The server is emptied while a step runs: its result still finds the way.
    with onboarding.held_up():
        onboarding.start("b")
        onboarding.until_runs("createUser")
        onboarding.flush()
    onboarding.until_completed("b", among=[worker])
    with onboarding.held_up():
        onboarding.start("c")
        onboarding.until_runs("createUser")
        worker.send(signal.SIGTERM)
        worker.says("draining")
    assert worker.ends() == 0, worker.log
    assert "Traceback" not in worker.log
    assert onboarding.rows("SELECT status FROM steps WHERE step_name = 'createUser'") == [("completed",)] * 3
    last = onboarding.worker("--once")
    assert last.ends() == 0, last.log
    assert onboarding.executions() == once("a", "b", "c")
    assert list(onboarding.database.with_name("state.db.workers").iterdir()) == []
