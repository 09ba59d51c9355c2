"""Values that went by reference, from the command line: shown, fetched, listed, verified, cleaned up."""

from __future__ import annotations

import os
import pty
import re
import sqlite3
import subprocess
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_project import RuntimeProject

NOWHERE = "nats://127.0.0.1:9/payloads"
TABLE = bytes(range(256)) * 3


@pytest.fixture
def reported(project: RuntimeProject) -> RuntimeProject:
    """A project with one run, `r1`, that keeps five payloads."""
    project.start("reporting", "r1", "--input", "3")
    done = project("worker", "--once")
    assert done.code == 0, done.err
    return project


def stored(project: RuntimeProject) -> list[Path]:
    return sorted(path for path in (project.root / ".pyflow/payloads").rglob("*") if path.is_file())


def payload_file(project: RuntimeProject, part: str) -> Path:
    (found,) = [path for path in stored(project) if part in str(path)]
    return found


def steps(status: dict[str, object]) -> dict[str, dict[str, object]]:
    return {step["step_name"]: step for step in status["steps"]}  # type: ignore[attr-defined]


def test_status_shows_values_that_went_by_reference_and_names_the_large_ones(reported: RuntimeProject) -> None:
    status = reported.status("r1")
    found = steps(status)
    assert (status["output"], found["inline"]["output"]) == ("y" * 50_000, "z" * 50_000)
    assert found["small"]["output"] == "x" * 40_000
    large = found["large"]["output"]
    assert large["$ref"].startswith("payloads/default/reporting/r1/large/output.")
    assert (large["bytes"], large["store"], large["not_shown"]) == (100_002, "file", "larger than 64 KiB")
    shown = reported("status", "r1").out
    assert re.search(r"^output +\"yyy", shown, re.MULTILINE)
    assert re.search(r"^large .* pf://file/payloads/", shown, re.MULTILINE)


def test_raw_shows_references_and_opens_no_payload_store(reported: RuntimeProject) -> None:
    status = reported("status", "r1", "--raw", "--json", PYFLOW_PAYLOADS=NOWHERE).json
    assert list(status["output"]) == ["$ref"]
    assert status["output"]["$ref"].startswith("payloads/default/reporting/r1/~run/output.")
    assert list(steps(status)["report"]["output"]) == ["$ref"]
    assert '{"$ref": "payloads/' in reported("status", "r1", "--raw", PYFLOW_PAYLOADS=NOWHERE).out


@pytest.mark.parametrize("url", [NOWHERE, "boom://x", "redis://127.0.0.1:9/0"])
def test_status_goes_on_without_a_payload_store(reported: RuntimeProject, url: str) -> None:
    ended = reported("status", "r1", PYFLOW_PAYLOADS=url)
    assert ended.code == 0
    assert re.search(
        r"^output +pf://file/payloads/\S+ \(48.8 KiB, sha256 [0-9a-f]{12}…\): \w+", ended.out, re.MULTILINE
    )


def test_status_goes_on_over_lost_and_damaged_payloads(reported: RuntimeProject) -> None:
    payload_file(reported, "/small/output").unlink()
    payload_file(reported, "~run/output").write_bytes(b"damaged")
    status = reported.status("r1")
    assert status["output"]["not_shown"].startswith("The payload in the store is not the one that was written")
    assert steps(status)["small"]["output"]["not_shown"].startswith("The payload is not in its store")
    assert steps(status)["inline"]["output"] == "z" * 50_000


def test_run_prints_an_output_that_went_by_reference(project: RuntimeProject) -> None:
    assert project("run", "reporting", "--input", "3").json == "y" * 50_000


def test_ls_names_every_payload_of_a_run(reported: RuntimeProject) -> None:
    listed = reported("payload", "ls", "r1", "--json", PYFLOW_PAYLOADS=NOWHERE).json
    rows = {(row["step_name"], row["slot"]): row for row in listed["payloads"]}
    assert list(rows) == [
        (None, "output"),
        ("report", "output"),
        ("report", "file-table.bin"),
        ("small", "output"),
        ("large", "output"),
        ("inline", "output"),
    ]
    table = rows["report", "file-table.bin"]
    assert (table["bytes"], table["content_type"], table["store"]) == (768, "application/x-table", "file")
    assert table["sha256"] == sha256(TABLE).hexdigest()
    lines = reported("payload", "ls", "r1").out.splitlines()
    assert lines[0].split() == ["STEP", "SLOT", "SIZE", "TYPE", "STORE", "REFERENCE"]
    assert len(lines) == 7


def test_what_a_value_names_of_another_step_is_not_taken_for_its_own(project: RuntimeProject) -> None:
    project.start("binding", "b1", "--input", "40000")
    assert project("worker", "--once").code == 0
    listed = project("payload", "ls", "b1", "--json").json["payloads"]
    assert [(row["step_name"], row["slot"], row["bytes"]) for row in listed if row["slot"] == "output"] == [
        ("write", "output", 40_002),
        ("bind", "output", 40_003),
    ]
    assert project("payload", "get", "b1", "bind", "output").out == "x" * 40_000 + "   "
    payload_file(project, "/write/output").unlink()
    (bad,) = project("payload", "verify", "--json").json["bad"]
    assert (bad["step_name"], bad["slot"], bad["code"]) == ("write", "output", "payload_missing")


def test_a_run_that_lost_a_payload_goes_on_once_that_is_restored_as_its_error_says(project: RuntimeProject) -> None:
    project.start("binding", "b1", "--input", "40000")
    assert project("worker", "--once", "--queue", "workflow-binding-orchestrator", "--queue", "*-write").code == 0
    lost = payload_file(project, "/write/output")
    content = lost.read_bytes()
    lost.unlink()
    assert project("worker", "--once").code == 0
    failed = project.status("b1")
    assert "restore it there and re-drive the run" in failed["error"]["message"]
    lost.write_bytes(content)
    assert project("redrive", "b1").code == 0
    assert project("worker", "--once").code == 0
    assert project.status("b1")["status"] == "completed"
    assert re.search(r"^redriven +once$", project("status", "b1").out, re.MULTILINE)


def test_get_gives_a_value_wherever_it_lies(reported: RuntimeProject) -> None:
    assert reported("payload", "get", "r1", "output").out == '"' + "y" * 50_000 + '"\n'
    assert reported("payload", "get", "r1", "large", "output").json == "x" * 100_000
    assert reported("payload", "get", "r1", "input").out == "3\n"
    assert reported("payload", "get", "r1", "small", "output", "--json").json["value"] == "x" * 40_000


def test_get_writes_a_file_whole_or_not_at_all(reported: RuntimeProject) -> None:
    target = reported.root / "table.bin"
    written = reported("payload", "get", "r1", "report", "file-table.bin", "-o", str(target))
    assert (written.code, written.out, target.read_bytes()) == (0, "", TABLE)
    payload_file(reported, "file-table").write_bytes(TABLE[:-1] + b"!")
    before = set(reported.root.iterdir())
    damaged = reported("payload", "get", "r1", "report", "file-table.bin", "-o", "again.bin")
    assert damaged.code == 1
    assert "is not the one that was written" in damaged.error
    assert set(reported.root.iterdir()) == before
    piped = reported("payload", "get", "r1", "report", "file-table.bin")
    assert (piped.code, piped.out) == (1, "")


def test_get_prints_nothing_binary_to_a_terminal(reported: RuntimeProject) -> None:
    master, slave = pty.openpty()
    command = reported.command("payload", "get", "r1", "report", "file-table.bin")
    try:
        done = subprocess.run(command, cwd=reported.root, stdout=slave, stderr=subprocess.PIPE, text=True, check=False)
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 2
    assert "-o FILE" in done.stderr
    assert "binary" in reported("payload", "get", "r1", "report", "file-table.bin", "--json").error


@pytest.mark.parametrize(
    ("place", "code", "error"),
    [
        (["nobody", "output"], 3, "there is no run 'nobody'"),
        (["r1", "smal", "output"], 3, "has no step 'smal'; did you mean 'small'?"),
        (["r1", "report", "file-tabel.bin"], 2, "did you mean 'file-table.bin'?"),
        (["r1", "inline", "input"], 1, "has no input"),
        (["r1", "a", "b", "c"], 2, "name one value"),
    ],
)
def test_get_says_what_is_not_there(reported: RuntimeProject, place: list[str], code: int, error: str) -> None:
    ended = reported("payload", "get", *place)
    assert ended.code == code
    assert error in ended.error


def test_a_store_that_cannot_be_reached_is_exit_4(reported: RuntimeProject) -> None:
    for command in (["get", "r1", "output"], ["verify"], ["gc", "--dry-run"]):
        ended = reported("payload", *command, PYFLOW_PAYLOADS=NOWHERE.replace("payloads", "file"))
        assert (command, ended.code) == (command, 4)
        assert ended.error


def test_verify_names_each_bad_payload(reported: RuntimeProject) -> None:
    good = reported("payload", "verify")
    assert (good.code, good.out) == (0, "")
    assert "6 payloads of 1 runs: all are what was written" in good.err
    payload_file(reported, "/small/output").unlink()
    payload_file(reported, "file-table").write_bytes(TABLE[:-1] + b"!")
    bad = reported("payload", "verify", "r1")
    assert bad.code == 1
    assert [re.match(r"(\S+ \S+ \S+) pf://\S+ (\w+):", line).groups() for line in bad.out.splitlines()] == [  # type: ignore[union-attr]
        ("r1 report file-table.bin", "payload_corrupt"),
        ("r1 small output", "payload_missing"),
    ]
    document = reported("payload", "verify", "--json").json
    assert (document["runs"], document["checked"]) == (1, 6)
    assert [row["code"] for row in document["bad"]] == ["payload_corrupt", "payload_missing"]


def mark_purged(project: RuntimeProject, run_id: str, error: str | None = None) -> None:
    """As a purge does before it deletes anything."""
    with closing(sqlite3.connect(project.root / ".pyflow/state.db")) as database, database:
        database.execute("UPDATE runs SET purging_at = 1, purge_error = ? WHERE run_id = ?", [error, run_id])


def test_what_a_purge_has_deleted_is_not_called_damaged(reported: RuntimeProject) -> None:
    reported.start("reporting", "r2", "--input", "4")
    assert reported("worker", "--once").code == 0
    payload_file(reported, "/r1/small/output").unlink()
    assert reported("payload", "verify").code == 1
    mark_purged(reported, "r1", "the store was away")
    every = reported("payload", "verify")
    assert (every.code, every.out) == (0, "")
    assert "run r1 is being purged, and was not yet: the store was away\n6 payloads of 1 runs: all are" in every.err
    named = reported("payload", "verify", "r1", "--json")
    assert (named.code, named.json["purging"]) == (1, [{"run_id": "r1", "error": "the store was away"}])
    assert (named.json["runs"], named.json["bad"]) == (0, [])
    gone = reported("payload", "get", "r1", "small", "output")
    assert (gone.code, gone.error) == (1, "run 'r1' is being purged, and this value is gone")
    assert reported("payload", "get", "r1", "large", "output").code == 0


def test_gc_sweeps_what_killed_probes_have_left(reported: RuntimeProject) -> None:
    left = reported.root / ".pyflow/payloads/probe" / ("0" * 32)
    left.parent.mkdir()
    left.write_bytes(b"created once")
    assert reported("payload", "gc").out == ""
    os.utime(left, (1, 1))
    assert reported("payload", "gc").out == f"deleted pf://file/probe/{'0' * 32}\n"
    assert not left.exists()


def test_gc_sweeps_what_nothing_refers_to_after_a_day(reported: RuntimeProject) -> None:
    kept = payload_file(reported, "/small/output")
    young, old = (kept.with_name(f"output.{digit * 32}.json") for digit in "ab")
    for path in (young, old):
        path.write_bytes(b"orphan")
    os.utime(old, (1, 1))
    os.utime(kept, (1, 1))
    before = stored(reported)
    dry = reported("payload", "gc", "--dry-run")
    assert (dry.code, stored(reported)) == (0, before)
    assert re.fullmatch(r"would be deleted pf://file/\S+\n", dry.out)
    document = reported("payload", "gc", "--json").json
    assert [orphan.endswith(old.name) for orphan in document["orphans"]] == [True]
    assert set(before) - set(stored(reported)) == {old}


def test_gc_purges_runs_past_retention(reported: RuntimeProject) -> None:
    assert "`retention` is not set" in reported("payload", "gc").err
    reported.start("patient", "p1")
    pyproject = reported.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("[tool.pyflow]", '[tool.pyflow]\nretention = "1ms"'))
    assert reported("payload", "gc", "--dry-run").out == "would be purged run r1\n"
    assert len(stored(reported)) == 6
    assert reported("payload", "gc").out == "purged run r1\n"
    assert stored(reported) == []
    assert reported("runs").out == "p1\n"
