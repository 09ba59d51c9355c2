"""A worker purges runs past their retention, and whatever keeps it from that keeps it from nothing else."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from runtime_project import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runtime_project import RuntimeProject

RETENTION = "1s"


@pytest.fixture
def settled(project: RuntimeProject) -> RuntimeProject:
    """Two settled runs with payloads, in a project whose workers keep nothing for long from now on."""
    for run_id in ("r1", "r2"):
        project.start("reporting", run_id, "--input", "3")
    assert project("worker", "--once").code == 0
    project.edit("pyproject.toml", "[tool.pyflow]", f'[tool.pyflow]\nretention = "{RETENTION}"')
    assert project("generate").code == 0
    return project


def runs(project: RuntimeProject) -> dict[str, str | None]:
    """The runs that are there, each with why its purge did not get through."""
    with closing(sqlite3.connect(project.root / ".pyflow/state.db")) as database:
        return dict(database.execute("SELECT run_id, purge_error FROM runs"))


def rows(project: RuntimeProject, table: str) -> int:
    with closing(sqlite3.connect(project.root / ".pyflow/state.db")) as database:
        (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def stored(project: RuntimeProject) -> set[str]:
    """The runs that have anything in the payload store."""
    folder = project.root / ".pyflow/payloads/payloads/default/reporting"
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file()}


def test_a_worker_deletes_rows_and_payloads_of_runs_past_retention(settled: RuntimeProject) -> None:
    settled.start("patient", "alive")
    assert (stored(settled), rows(settled, "payload_references") > 0) == ({"r1", "r2"}, True)
    with settled.running("worker") as worker:
        settled.wait_for(lambda: set(runs(settled)) == {"alive"})
        assert (stored(settled), rows(settled, "payload_references"), rows(settled, "run_inputs")) == (set(), 0, 1)
        settled.touch("go")
        told = worker.stop().err
    assert "retention.runs_purged: 2 runs that ended more than 1 s ago" in told


@contextmanager
def symbolic_link(folder: Path) -> Iterator[None]:
    """What leads out of the store is not followed, and so not deleted."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.symlink_to(aside)
    yield
    folder.unlink()
    aside.rename(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A file system of its own, on which nothing can be deleted."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount")
    bound = subprocess.run(["mount", "--bind", str(folder), str(folder)], check=False, capture_output=True, text=True)
    if bound.returncode != 0:
        pytest.skip(f"cannot mount: {bound.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    ("hindrance", "why"), [(symbolic_link, "is a symbolic link"), (read_only, "the file system is read-only")]
)
def test_a_run_that_cannot_be_purged_is_noted_and_holds_up_nothing(
    settled: RuntimeProject, hindrance: type[AbstractContextManager[None]], why: str
) -> None:
    with (
        settled.running("worker") as worker,
        hindrance(settled.root / ".pyflow/payloads/payloads/default/reporting/r1"),
    ):
        settled.wait_for(lambda: why in (runs(settled).get("r1") or ""))
        settled.wait_for(lambda: "r2" not in runs(settled))
        settled.start("order", "o1", "--input", ORDER)
        settled.wait_for(lambda: "o1" not in runs(settled))  # it has run, and is past its retention
        assert set(runs(settled)) == {"r1"}
        assert "r1" in stored(settled) or why == "is a symbolic link"
        checked = settled("payload", "verify", "--json").json
        assert checked["purging"] in ([], [{"run_id": "r1", "error": runs(settled)["r1"]}])
        told = worker.stop().err
    assert "retention.purge_failed: run r1: " in told
    with settled.running("worker"):
        settled.wait_for(lambda: not runs(settled))
    assert stored(settled) == set()


def test_a_worker_whose_payload_store_is_away_goes_on_working(settled: RuntimeProject) -> None:
    with settled.running("worker", PYFLOW_PAYLOADS="redis://127.0.0.1:9/0") as worker:
        assert worker.process.stderr is not None
        said = ""
        while "retention.purge_failed" not in said:
            line = worker.process.stderr.readline()
            assert line, said
            said += line
        settled.start("order", "o1", "--input", ORDER)
        settled.wait_for(lambda: settled.status("o1")["status"] == "completed")
    assert set(runs(settled)) == {"r1", "r2", "o1"}
    assert set(runs(settled).values()) == {None}
