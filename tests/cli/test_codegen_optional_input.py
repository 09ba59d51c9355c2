"""A parameter with a default: the generated clients leave the choice to the function, and so does the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASE = Path(__file__).parents[1] / "golden" / "cases" / "optional-input"
CALLS = """
import asyncio
from app import Period
from pyflow_gen import connect, workflows

async def main():
    async with connect(state="memory://", worker=True):
        for call in (
            workflows.report.run(), workflows.report.run(None), workflows.report.run(Period(days=2)),
            workflows.remind.run(), workflows.remind.run(5),
        ):
            print(await call)

asyncio.run(main())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for part in ("input", "expected"):
        shutil.copytree(CASE / part, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(project: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(project), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_default_of_a_function_stands_for_the_data_that_is_left_out(project: Path) -> None:
    assert run(project, "-c", CALLS).splitlines() == ["7 days", "7 days", "2 days", "3", "5"]


def test_the_command_starts_it_without_input(project: Path) -> None:
    assert json.loads(run(project, "-m", "pyflow_cli.main", "run", "remind")) == 3
