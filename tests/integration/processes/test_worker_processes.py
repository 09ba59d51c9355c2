"""Several processes work on one file: each step is one's, and the work of those that die or stop is another's."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
from flow_fleet import Fleet
from flow_sample import Amount, project
from pyflow_services.sqlite import wakeup

from pyflow_core import client as client_module
from tests.fixtures.family import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.family import Family

pytest_plugins = ["tests.fixtures.processes"]

WORKERS = 3
STEPS = 300
NEVER_SECONDS = 3600.0

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals that stop a process")


@pytest.fixture
def fleet(family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(family, tmp_path, monkeypatch)


async def start(fleet: Fleet, workflow: str, *data: Any, run_id: str = "r1") -> None:
    async with project.connect(state=fleet.url) as client:
        await client.start(workflow, *data, run_id=run_id)


async def result(fleet: Fleet, workflow: str, run_id: str = "r1") -> Any:
    async with project.connect(state=fleet.url) as client:
        return await client.handle(workflow, run_id).result(timeout=PATIENCE_SECONDS)


def test_of_three_workers_each_step_is_run_by_one(fleet: Fleet) -> None:
    asyncio.run(start(fleet, "fan", Amount(count=STEPS)))
    workers = [fleet.worker(concurrency=2) for _ in range(WORKERS)]
    assert asyncio.run(result(fleet, "fan")) == sum(range(STEPS))
    assert fleet.executions() == {("r1", f"step-{number}"): 1 for number in range(STEPS)}
    started = [event for event in fleet.events() if event[0] == "step.started"]
    assert len(started) == STEPS
    assert {note.pid for note in fleet.notes("done")} <= {worker.pid for worker in workers}


def test_the_starter_gets_the_output_by_a_hint_alone(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "BUSY_POLL_SECONDS", NEVER_SECONDS)
    monkeypatch.setattr(wakeup, "IDLE_POLL_SECONDS", NEVER_SECONDS)
    monkeypatch.setattr(client_module, "POLL_SECONDS", NEVER_SECONDS)
    worker = fleet.worker()

    async def scenario() -> str:
        async with project.connect(state=fleet.url) as client:
            run = await client.start("tidy", run_id="r1")
            waiting = asyncio.ensure_future(run.result(timeout=PATIENCE_SECONDS))
            # It waits before the step may end.
            while not await asyncio.to_thread(fleet.rows, "SELECT 1 WHERE (SELECT count(*) FROM listeners) = 2"):
                pass
            await asyncio.to_thread(fleet.until_noted, "begin", "long", worker.pid)
            fleet.open_gate("long", worker.pid)
            output: str = await waiting
            return output

    assert asyncio.run(scenario()) == f"by {worker.pid}"


def test_the_work_of_a_killed_worker_is_taken_over_though_its_lease_is_long(fleet: Fleet) -> None:
    asyncio.run(start(fleet, "tidy"))
    doomed = fleet.worker()
    fleet.until_noted("begin", "long", doomed.pid)
    heir = fleet.worker()
    ids = fleet.workers()
    doomed.kill()
    fleet.until_noted("begin", "long", heir.pid)
    fleet.open_gate("long", heir.pid)
    assert asyncio.run(result(fleet, "tidy")) == f"by {heir.pid}"
    events = fleet.events()
    dead, living = ids[doomed.pid], ids[heir.pid]
    assert [event for event in events if event[1] == "long"] == [
        ("step.scheduled", "long", None),
        ("step.started", "long", dead),
        ("step.worker_lost", "long", dead),
        ("step.started", "long", living),
        ("step.completed", "long", living),
    ]
    assert ("run.taken_over", None, dead) in events
    assert fleet.executions() == {("r1", "cleanup"): 1}
    assert list(fleet.workers().values()) == [living]


@needs_signals
def test_a_worker_that_was_stopped_until_its_lease_expired_cannot_write_and_starts_anew(fleet: Fleet) -> None:
    asyncio.run(start(fleet, "tidy"))
    sleeper = fleet.worker(lease_seconds=1)
    fleet.until_noted("begin", "long", sleeper.pid)
    heir = fleet.worker()
    ids = fleet.workers()
    sleeper.pause()
    fleet.until_noted("begin", "long", heir.pid)

    fleet.open_gate("long", sleeper.pid)
    sleeper.wake()
    fleet.until_noted("end", "long", sleeper.pid)  # too late: another has the step
    sleeper.says("worker.lease_lost")
    again = until(lambda: fleet.workers().get(sleeper.pid), "the worker does not come back")
    assert again != ids[sleeper.pid]
    assert [event for event in fleet.events() if event[0] == "step.completed" or event[1] == "cleanup"] == []

    fleet.open_gate("long", heir.pid)
    assert asyncio.run(result(fleet, "tidy")) == f"by {heir.pid}"
    assert fleet.executions() == {("r1", "cleanup"): 1}
    assert next(event for event in fleet.events() if event[0] == "step.completed")[2] == ids[heir.pid]

    # As a new worker it is as good as any.
    heir.send(signal.SIGTERM)
    assert heir.ends() == 0
    asyncio.run(start(fleet, "chain", Amount(count=3), run_id="r2"))
    assert asyncio.run(result(fleet, "chain", "r2")) == 3
    assert {event[2] for event in fleet.events()[-3:] if event[2]} == {again}


def test_a_worker_that_leaves_gives_its_run_to_another_at_once(fleet: Fleet) -> None:
    leaver = fleet.worker()
    asyncio.run(start(fleet, "tidy"))
    fleet.until_noted("begin", "long", leaver.pid)
    heir = fleet.worker()
    leaver.send(signal.SIGTERM)
    fleet.open_gate("long", leaver.pid)  # drained: what runs may end
    assert leaver.ends() == 0, leaver.log
    assert asyncio.run(result(fleet, "tidy")) == f"by {leaver.pid}"
    assert {event[0] for event in fleet.events()}.isdisjoint({"step.worker_lost", "run.taken_over"})
    assert list(fleet.workers()) == [heir.pid]
    assert len(list(fleet.database.with_name("state.db.workers").iterdir())) == 2  # the heir, and what it hears with


@pytest.mark.slow
def test_runs_survive_many_murders(fleet: Fleet) -> None:
    runs, steps, murders = 60, 10, 12
    chance = random.Random(7)

    async def start_all() -> None:
        async with project.connect(state=fleet.url) as client:
            starts = (client.start("chain", Amount(count=steps), run_id=f"r{number}") for number in range(runs))
            await asyncio.gather(*starts)

    asyncio.run(start_all())
    workers = [fleet.worker(concurrency=4) for _ in range(WORKERS)]
    recorded: dict[tuple[str, str], int] = {}
    sql = """SELECT run_id, step_name FROM steps JOIN runs ON runs.id = steps.run
        WHERE steps.seq IS NOT NULL AND form = 'rpc'"""
    for murder in range(1, murders + 1):
        until(lambda m=murder: len(fleet.notes()) >= m * runs * steps // (murders + 2), "nothing goes on")  # type: ignore[misc]
        victim = workers.pop(chance.randrange(len(workers)))
        victim.kill()
        done = [tuple(row) for row in fleet.rows(sql)]
        executions = fleet.executions()
        recorded = {key: executions[key] for key in done} | recorded
        workers.append(fleet.worker(concurrency=4))
    for number in range(runs):
        assert asyncio.run(result(fleet, "chain", f"r{number}")) == sum(range(steps))
    executions = fleet.executions()
    assert {key: executions[key] for key in recorded} == recorded
    assert len(executions) == runs * steps
