"""Two processes that generate in one project take turns, so that the files are all of one source."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pyflow_cli.codegen.cache import FOLDER
from pyflow_cli.output import Output
from pyflow_cli.turn import generating

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
from pyflow_core import WorkflowContext, wire_workflow


@wire_workflow("ping")
async def ping(data: int, *, workflow: WorkflowContext) -> int:
    return await workflow.do("pong", lambda: data)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "turns"\n')
    (tmp_path / "app.py").write_text(SOURCE)
    return tmp_path


def start(project: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pyflow_cli.main", "generate", "--no-color", *options, "--project", str(project)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_the_second_waits_for_the_first_and_reads_the_source_then(project: Path) -> None:
    with generating(project, Output(quiet=True)):
        second = start(project)
        assert second.stderr is not None
        assert second.stderr.readline() == "another process generates in this project: waiting for it\n"
        (project / "app.py").write_text(SOURCE.replace('"ping"', '"echo"'))
    second.communicate()
    assert second.returncode == 0
    assert (project / "pyflow_gen" / "echo.py").exists()
    assert not (project / "pyflow_gen" / "ping.py").exists()


def test_who_writes_nothing_does_not_wait(project: Path) -> None:
    with generating(project, Output(quiet=True)):
        checking = start(project, "--check")
        _, said = checking.communicate()
    assert checking.returncode == 1
    assert "out of date: pyflow_gen/ping.py" in said
    assert "waiting" not in said


def test_a_process_that_died_keeps_nobody_waiting(project: Path) -> None:
    code = f"""if True:
        import os, pathlib
        from pyflow_cli.output import Output
        from pyflow_cli.turn import generating
        with generating(pathlib.Path({str(project)!r}), Output()):
            os._exit(3)
    """
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
    assert (project / FOLDER / "lock").exists()
    second = start(project)
    _, said = second.communicate()
    assert (second.returncode, "waiting" in said) == (0, False)


def test_where_nothing_can_be_locked_nothing_is_waited_for(project: Path) -> None:
    (project / ".pyflow").write_text("a file where the folder should be")
    with generating(project, Output(quiet=True)):
        second = start(project)
        _, said = second.communicate()
    assert (second.returncode, "waiting" in said) == (0, False)
