"""What a person at a terminal sees, and how text for people is made."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

import pytest
from runtime_project import ORDER, PATIENCE_SECONDS, RuntimeProject

from pyflow_cli.run_text import event_line, short_id
from pyflow_cli.table import Cell, duration_text, table
from pyflow_core.ports.event import EventType
from pyflow_core.ports.state import RunEvent


def _at_terminal(project: RuntimeProject, *arguments: str, typed: str = "", **environment: str) -> tuple[int, str]:
    """The exit code, and everything that came to the terminal."""
    main, side = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR" and not name.startswith("PYFLOW_")}
    process = subprocess.Popen(
        project.command(*arguments),
        cwd=project.root,
        env={**kept, "TERM": "xterm", "COLUMNS": "100", **environment},
        stdin=side,
        stdout=side,
        stderr=side,
        close_fds=True,
    )
    os.close(side)
    if typed:
        os.write(main, typed.encode())
    seen = b""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if select.select([main], [], [], 0.1)[0]:
            try:
                piece = os.read(main, 65536)
            except OSError:  # the other side is closed
                piece = b""
            if not piece:
                break
            seen += piece
    code = process.wait(PATIENCE_SECONDS)
    os.close(main)
    return code, seen.decode().replace("\r\n", "\n")


def test_runs_is_a_table_with_colours(project: RuntimeProject) -> None:
    project("run", "order", "--input", ORDER, "--run-id", "o1")
    code, seen = _at_terminal(project, "runs")
    assert code == 0
    assert "RUN" in seen.splitlines()[0]
    assert re.search(r"o1 +order +\x1b\[32mcompleted\x1b\[0m +2/2", seen)


@pytest.mark.parametrize(("arguments", "environment"), [(("--no-color",), {}), ((), {"NO_COLOR": "1"})])
def test_colours_can_be_turned_off(
    project: RuntimeProject, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    project("run", "order", "--input", ORDER, "--run-id", "o1")
    for command in (("runs",), ("status", "o1", "--events")):
        _, seen = _at_terminal(project, *command, *arguments, **environment)
        assert "completed" in seen
        assert "\x1b" not in seen


def test_start_says_how_to_follow_the_run(project: RuntimeProject) -> None:
    _, seen = _at_terminal(project, "start", "order", "--input", ORDER, "--run-id", "o1")
    assert seen.splitlines() == ["o1", "follow it with `pyflow status o1 --watch`"]


def test_run_shows_one_line_that_changes_and_takes_it_away(project: RuntimeProject) -> None:
    code, seen = _at_terminal(project, "run", "order", "--input", ORDER)
    assert code == 0
    assert "\r\x1b[K" in seen
    assert "price completed" not in seen
    assert '"total": 11' in seen


def test_watching_writes_over_what_it_showed(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER)
    with project.running("status", "o1", "--watch"):
        with project.running("worker", "--once") as worker:
            worker.end()
        code, seen = _at_terminal(project, "status", "o1", "--watch")
    assert (code, "completed" in seen) == (0, True)


@pytest.mark.parametrize(("answer", "code", "status"), [("n\n", 2, "failed"), ("y\n", 0, "running")])
def test_redrive_asks_before_it_repeats_what_has_completed(
    project: RuntimeProject, answer: str, code: int, status: str
) -> None:
    project("run", "refunding", "--run-id", "r1")
    ended, seen = _at_terminal(project, "redrive", "r1", typed=answer)
    assert (ended, "run again what has completed (refund)?" in seen) == (code, True)
    assert project.status("r1")["status"] == status


def test_a_table_is_as_wide_as_its_cells_and_keeps_rows_on_one_line() -> None:
    rows = [["a", Cell("done", "green")], ["long name", "two\nlines\x1b[2J"]]
    assert table(("name", "state"), rows, color=False) == [
        "NAME       STATE",
        "a          done",
        "long name  two lines\\x1b[2J",
    ]
    assert table(("name",), [[Cell("x", "red")]], color=True)[1] == "\x1b[31mx\x1b[0m"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0421, "42 ms"),
        (1.25, "1.2 s"),
        (59.99, "60.0 s"),
        (60, "1 m"),
        (245, "4 m 5 s"),
        (3600, "1 h"),
        (7325, "2 h 2 m"),
        (86400 * 3 + 7200, "3 d 2 h"),
        (-5, "0 ms"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_an_id_that_was_drawn_is_cut_and_a_chosen_one_is_not() -> None:
    assert short_id("0123456789abcdef0123456789abcdef") == "01234567"
    assert short_id("order-of-today-which-has-a-long-name") == "order-of-today-which-has-a-long-name"


def test_an_event_is_one_line_whatever_its_detail_holds() -> None:
    event = RunEvent(1, "r1", 1, EventType.STEP_RETRIED, None, "pay", 2, "w", 0.0, "ValueError: a\nb\x1b[2J")
    line = event_line(event, "order", color=False)
    assert line is not None
    assert line.endswith("order r1  step pay failed and is tried again (attempt 2): ValueError: a b\\x1b[2J")
    assert event_line(event._replace(type="run.parked"), "order", color=False) is None
