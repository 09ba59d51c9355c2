"""`pyflow worker` on the queue in its store: it works, drains, and leaves nothing behind."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.family import until
from tests.fixtures.onboarding import Onboarding, once

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.family import Family, Process

pytest_plugins = ["tests.fixtures.processes"]


@pytest.fixture
def onboarding(family: Family, tmp_path: Path) -> Onboarding:
    return Onboarding(family, tmp_path)


def nothing_is_held(onboarding: Onboarding) -> None:
    assert onboarding.rows("SELECT worker_id FROM workers UNION ALL SELECT listener_id FROM listeners") == []
    assert list(onboarding.database.with_name("state.db.workers").iterdir()) == []


def test_once_ends_when_all_is_done(onboarding: Onboarding) -> None:
    onboarding.start("a", "b")
    worker = onboarding.worker("--once")
    assert worker.ends() == 0, worker.log
    assert onboarding.statuses() == {"a": "completed", "b": "completed"}
    assert onboarding.executions() == once("a", "b")
    nothing_is_held(onboarding)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_worker_that_is_told_to_stop_lets_its_step_end(
    onboarding: Onboarding, number: signal.Signals, code: int
) -> None:
    worker = onboarding.worker()
    with onboarding.held_up():
        onboarding.start("a")
        assert onboarding.until_runs("createUser") == worker.pid
        worker.send(number)
        worker.says("draining")
    assert worker.ends() == code, worker.log
    assert "Traceback" not in worker.log
    sql = "SELECT status, attempts, deaths FROM steps WHERE step_name = 'createUser'"
    assert onboarding.rows(sql) == [("completed", 1, 0)]
    nothing_is_held(onboarding)

    successor = onboarding.worker("--once")
    assert successor.ends() == 0, successor.log
    assert onboarding.statuses() == {"a": "completed"}
    assert onboarding.executions() == once("a")


def test_what_does_not_end_in_time_is_given_back_untried(onboarding: Onboarding) -> None:
    worker = onboarding.worker("--drain", "0s")
    with onboarding.held_up():
        onboarding.start("a")
        onboarding.until_runs("createUser")
        worker.send(signal.SIGTERM)
        assert worker.ends() == 0, worker.log
        sql = "SELECT status, attempts, deaths FROM steps WHERE step_name = 'createUser'"
        assert onboarding.rows(sql) == [("pending", 0, 0)]
        nothing_is_held(onboarding)


def ends_when_told_again(worker: Process) -> None:
    """Again and again: what comes right after the first signal is taken for the same."""

    def told() -> bool:
        worker.send(signal.SIGINT)
        return worker.popen.poll() is not None

    until(told, "the worker does not end")


def test_a_second_signal_ends_it_at_once(onboarding: Onboarding) -> None:
    worker = onboarding.worker()
    with onboarding.held_up():
        onboarding.start("a")
        onboarding.until_runs("createUser")
        worker.send(signal.SIGINT)
        worker.says("draining")
        ends_when_told_again(worker)
        assert worker.ends() == 130, worker.log
        assert "Traceback" not in worker.log
        assert onboarding.executions() == {}
    successor = onboarding.worker("--once")
    assert successor.ends() == 0, successor.log
    assert onboarding.statuses() == {"a": "completed"}
    nothing_is_held(onboarding)
