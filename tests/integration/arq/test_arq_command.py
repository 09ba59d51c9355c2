"""The stock `arq` command runs the generated worker classes: it does their jobs, drains, and may be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from pyflow_services.arq import ArqQueueService
from pyflow_services.arq.worker import ArqWorkers

from pyflow_core.errors import SettingsError
from pyflow_core.ports.state import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

pytest_plugins = ["tests.fixtures.valkey"]

RUN = Job("workflow-onboarding-orchestrator", "workflow.run:onboarding", "run-1")
STEP = Job("workflow-onboarding-notify-*", "workflow.step:onboarding:notify-*", "run-1", "notify-42")
PATIENCE_SECONDS = 30.0


class Command:
    """A running `arq` command, and the journal of its project."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._journal = folder / "journal"
        self._release = folder / "release"
        self._output = folder / "output"

    def release(self) -> None:
        self._release.touch()

    @property
    def notes(self) -> list[str]:
        return self._journal.read_text(encoding="utf-8").splitlines() if self._journal.exists() else []

    def until(self, note: str) -> None:
        """Wait until the journal holds a line."""
        self._until(lambda: note in self.notes, note)

    def says(self, text: str) -> None:
        """Wait until the command has said something."""
        self._until(lambda: text in self.output(), text)

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, f"{what!r} is neither in {self.notes} nor in {self.output()}"
            time.sleep(0.01)

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_SECONDS)

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")


@contextmanager
def _command(worker: str, url: str, folder: Path, **environment: str) -> Generator[Command]:
    output = (folder / "output").open("w", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "arq", f"arq_sample.{worker}"],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYFLOW_QUEUE": url, "SAMPLE_JOURNAL": str(folder / "journal"), **environment},
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    with output, process:
        try:
            yield Command(process, folder)
        finally:
            if process.poll() is None:
                process.kill()


def _enqueue(url: str, *jobs: Job) -> None:
    async def scenario() -> None:
        queue = ArqQueueService(url)
        await queue.open()
        await queue.enqueue(jobs)
        await queue.close()

    asyncio.run(scenario())


def _keys(url: str) -> list[bytes]:
    with redis.Redis.from_url(url) as client:
        return [key for key in client.keys("*") if not key.endswith(b":health-check")]


@pytest.mark.parametrize(("worker", "job"), [("Onboarding", RUN), ("OnboardingNotifyEach", STEP)])
def test_a_worker_does_the_jobs_of_its_queue_and_ends_them_before_it_stops(
    valkey_url: str, tmp_path: Path, worker: str, job: Job
) -> None:
    _enqueue(valkey_url, job)
    with _command(worker, valkey_url, tmp_path) as command:
        command.until(f"begin {job.queue} {job.task} {job.run_id} {job.step_name}")
        command.process.send_signal(signal.SIGTERM)
        command.says("Setting allow_pick_jobs to `False`")
        _enqueue(valkey_url, job._replace(run_id="run-2"))
        command.release()
        assert command.process.wait(PATIENCE_SECONDS) == 0
        begun = f"begin {job.queue} {job.task} run-1 {job.step_name}"
        assert command.notes == [f"open ['{job.queue}']", begun, "end run-1", "closing", "closed"]
        assert "Error" not in command.output()
    assert len([key for key in _keys(valkey_url) if key.startswith(b"arq:job:")]) == 1


def test_work_that_takes_longer_than_arq_waits_is_drained_by_its_worker(valkey_url: str, tmp_path: Path) -> None:
    _enqueue(valkey_url, RUN)
    with _command("Onboarding", valkey_url, tmp_path, SAMPLE_DRAIN="1") as command:
        command.until(f"begin {RUN.queue} {RUN.task} run-1 None")
        command.process.send_signal(signal.SIGTERM)
        command.until("closing")
        command.release()
        assert command.process.wait(PATIENCE_SECONDS) == 0
        assert command.notes[-3:] == ["closing", "end run-1", "closed"]
        assert "was destroyed" not in command.output()


def test_a_worker_that_is_killed_leaves_nothing_that_blocks_its_queue(valkey_url: str, tmp_path: Path) -> None:
    _enqueue(valkey_url, RUN)
    with _command("Onboarding", valkey_url, tmp_path) as command:
        command.until(f"begin {RUN.queue} {RUN.task} run-1 None")
        assert command.stop(signal.SIGKILL) == -signal.SIGKILL
    assert _keys(valkey_url) == []


def test_a_job_of_an_unknown_task_is_dropped_and_the_next_is_done(valkey_url: str, tmp_path: Path) -> None:
    _enqueue(valkey_url, RUN._replace(task="workflow.run:former"), RUN)
    with _command("Onboarding", valkey_url, tmp_path) as command:
        command.release()
        command.until("end run-1")
        assert command.stop(signal.SIGTERM) == 0
        assert "'workflow.run:former' not found" in command.output()
    assert _keys(valkey_url) == []


def test_workers_without_a_queue_on_redis_can_be_imported_and_say_so_when_run(tmp_path: Path) -> None:
    with _command("Onboarding", "", tmp_path) as command:
        assert command.process.wait(PATIENCE_SECONDS) != 0
        assert 'queue = "redis://host:6379/0" or PYFLOW_QUEUE' in command.output()


class _Project:
    def __init__(self, **settings: object) -> None:
        self.settings = settings

    async def open_worker(self, queues: list[str]) -> None:  # type: ignore[override]
        raise AssertionError(queues)


def test_settings_come_from_the_environment_before_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = ArqWorkers(_Project(queue="redis://file:1/2", concurrency=4, drain_seconds=7.9))  # type: ignore[arg-type]
    assert (workers.redis_settings.host, workers.redis_settings.port) == ("file", 1)
    assert workers.redis_settings.database == 2
    assert (workers.max_jobs("workflow-a-send"), workers.max_jobs("workflow-a-orchestrator")) == (4, 100)
    assert workers.job_completion_wait == 7
    monkeypatch.setenv("PYFLOW_QUEUE", "rediss://env/3")
    monkeypatch.setenv("PYFLOW_CONCURRENCY", "5")
    monkeypatch.setenv("PYFLOW_DRAIN_SECONDS", "0.1")
    assert (workers.redis_settings.host, workers.redis_settings.ssl) == ("env", True)
    assert (workers.max_jobs("workflow-a-send"), workers.job_completion_wait) == (5, 1)


def test_a_queue_that_is_not_on_redis_is_named() -> None:
    workers = ArqWorkers(_Project(queue="memory://x"))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="memory://x"):
        _ = workers.redis_settings.host


def test_a_function_is_named_by_its_task_and_tried_once() -> None:
    workers = ArqWorkers(_Project())  # type: ignore[arg-type]
    [run], [step] = workers.run("onboarding"), workers.step("onboarding", "notify-*")
    assert (run.name, step.name) == ("workflow.run:onboarding", "workflow.step:onboarding:notify-*")
    assert (run.max_tries, run.keep_result_s, step.max_tries) == (1, 0, 1)
