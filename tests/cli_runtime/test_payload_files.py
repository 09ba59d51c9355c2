"""Where `payload get` writes, what it leaves as it is, and what several collections do to each other."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime_project import Ended, RuntimeProject

SMALL = ("payload", "get", "r1", "small", "output")
VALUE = b'"' + b"x" * 40_000 + b'"'


@pytest.fixture
def reported(project: RuntimeProject) -> RuntimeProject:
    """A project with one run, `r1`, that keeps six payloads."""
    project.start("reporting", "r1", "--input", "3")
    done = project("worker", "--once")
    assert done.code == 0, done.err
    return project


def left_behind(project: RuntimeProject) -> list[Path]:
    return [path for path in project.root.iterdir() if path.name.startswith(".pyflow-")]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("app", "app is a folder: name a file in it"),
        ("..", ".. is a folder: name a file in it"),
        ("nowhere/x", "nowhere/x cannot be written: there is no folder "),
        ("pyproject.toml/x", "pyproject.toml/x cannot be written: there is no folder "),
        ("", "-o takes the name of a file"),
    ],
)
def test_a_place_that_takes_no_file_is_named_before_anything_is_fetched(
    reported: RuntimeProject, name: str, error: str
) -> None:
    ended = reported(*SMALL, "-o", name, PYFLOW_PAYLOADS="nats://127.0.0.1:9/payloads")
    assert (ended.code, ended.error.startswith(error)) == (2, True), ended.err
    assert left_behind(reported) == []


def test_a_file_that_is_there_keeps_its_mode_and_the_link_to_it(reported: RuntimeProject) -> None:
    target, link = reported.root / "value.json", reported.root / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target.name)
    assert reported(*SMALL, "-o", "link").code == 0
    assert link.is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (VALUE, 0o640)
    assert left_behind(reported) == []


def test_what_is_no_file_is_written_to_and_stays_what_it_is(reported: RuntimeProject) -> None:
    """A device, say: whoever runs this as root must not replace /dev/null by a file."""
    pipe = reported.root / "pipe"
    os.mkfifo(pipe)
    with reported.running(*SMALL, "-o", "pipe") as getting:
        assert pipe.read_bytes() == VALUE
        assert getting.end().code == 0
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_dash_is_standard_output_even_where_that_is_a_terminal(reported: RuntimeProject) -> None:
    assert reported(*SMALL, "-o", "-").out.encode() == VALUE + b"\n"
    assert not (reported.root / "-").exists()


def into(project: RuntimeProject, redirection: str, *arguments: str) -> Ended:
    from runtime_project import Ended

    command = ["sh", "-c", f'"$@" {redirection}', "sh", *project.command(*arguments)]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110 - no path of a test
@pytest.mark.parametrize("command", [SMALL, ("payload", "ls", "r1"), ("payload", "verify", "--json")])
def test_an_output_without_room_is_an_error_and_a_closed_one_is_none(
    reported: RuntimeProject, command: tuple[str, ...]
) -> None:
    full = into(reported, "> /dev/full", *command)
    assert (full.code, full.error) == (2, "No space left on device")
    for closed in (">&-", "2>&-"):
        assert (into(reported, closed, *command).code, left_behind(reported)) == (0, [])


def test_a_reader_that_goes_away_ends_it_quietly(reported: RuntimeProject) -> None:
    for command in (SMALL, ("payload", "ls", "r1", "--json")):
        ended = into(reported, "| head -c 1; true", *command)
        assert (ended.code, len(ended.out), ended.err) == (0, 1, "")


class Silent(BaseHTTPRequestHandler):
    """Takes a request and does not answer it until the test is over."""

    asked: threading.Event
    over: threading.Event

    def do_GET(self) -> None:
        self.asked.set()
        self.over.wait()


@pytest.fixture
def silent_store() -> Iterator[tuple[str, threading.Event]]:
    """The URL of a store that does not answer, and an event that it was asked."""
    events = {"asked": threading.Event(), "over": threading.Event()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Silent,), events))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"gs://bucket?endpoint=http://127.0.0.1:{server.server_port}&auth_ref=GCS&name=file", events["asked"]
    events["over"].set()
    server.shutdown()
    server.server_close()


def test_ctrl_c_in_the_middle_leaves_nothing_behind(
    reported: RuntimeProject, silent_store: tuple[str, threading.Event]
) -> None:
    url, asked = silent_store
    account = json.dumps({"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""})
    environment = {"PYFLOW_PAYLOADS": url, "GCS_SERVICE_ACCOUNT_KEY": account}
    (reported.root / "value.json").write_text("old")
    with reported.running(*SMALL, "-o", "value.json", **environment) as getting:
        assert asked.wait(60)
        assert len(left_behind(reported)) == 1
        ended = getting.stop(signal.SIGINT)
    assert (ended.code, ended.out, "Traceback" in ended.err) == (130, "", False)
    assert left_behind(reported) == []
    assert (reported.root / "value.json").read_text() == "old"


def test_collections_at_once_and_beside_a_worker_do_no_harm(reported: RuntimeProject) -> None:
    folder = reported.root / ".pyflow/payloads/payloads/default/reporting/gone/send"
    folder.mkdir(parents=True)
    orphans = [folder / f"output.{number:032x}.json" for number in range(300)]
    for path in orphans:
        path.write_bytes(b"orphan")
        os.utime(path, (1, 1))
    reported.start("patient", "p1")
    with reported.running("worker") as worker:
        reported.wait_for_file("waiting")
        with reported.running("payload", "gc", "--json") as one, reported.running("payload", "gc", "--json") as other:
            ended = [one.end(), other.end()]
        assert [(done.code, done.err.count("error")) for done in ended] == [(0, 0), (0, 0)], ended
        reported.start("reporting", "r2", "--input", "4")
        reported.wait_for(lambda: reported.status("r2")["status"] == "completed")
        reported.touch("go")
        assert worker.stop(signal.SIGTERM).code == 0
    assert not any(path.exists() for path in orphans)
    verified = reported("payload", "verify", "--json").json
    assert (verified["bad"], verified["runs"]) == ([], 3)
