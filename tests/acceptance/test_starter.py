"""From `pip install` to a killed worker, on the wheel."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
from installation import ROOT, Installation, copy_distributions, requirements

GIVE_UP_SECONDS = 60


def test_the_wheel_is_used_and_not_the_sources(installed: Installation, starter: Path) -> None:
    code = "import pyflow_core, pyflow_services.sqlite as s; print(pyflow_core.__file__); print(s.__file__)"
    for line in installed.run(starter, str(installed.python), "-c", code).splitlines():
        assert Path(line).is_relative_to(installed.folder)
        assert not Path(line).is_relative_to(ROOT)


def test_the_version_is_told(installed: Installation, starter: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", installed.pyflow(starter, "--version"))


def test_a_new_project_is_whole(starter: Path) -> None:
    files = {path.relative_to(starter).as_posix() for path in starter.rglob("*") if path.is_file()}
    assert {".gitignore", "README.md", "pyproject.toml", "shop/workflows.py", "tests/test_signup.py"} <= files


def test_a_new_project_is_clean(installed: Installation, starter: Path) -> None:
    installed.pyflow(starter, "check", "--fail-on", "info")
    installed.pyflow(starter, "generate", "--check")


def test_a_new_project_runs(installed: Installation, starter: Path) -> None:
    output = installed.pyflow(starter, "run", "signup", "--input", '{"email": "ada@example.com"}')
    assert json.loads(output) == {"user_id": "user-of-ada@example.com", "greeting": "Welcome, ada@example.com!"}


def test_a_run_is_started_executed_by_a_worker_and_shown(installed: Installation, starter: Path) -> None:
    started = installed.pyflow(starter, "start", "signup", "--input", '{"email": "b@example.com"}', "--run-id", "bob")
    assert started == "bob\n"
    assert installed.status(starter, "bob")["status"] == "running"
    with installed.worker(starter):
        status = until_settled(installed, starter, "bob")
    assert status["status"] == "completed"
    assert status["output"]["user_id"] == "user-of-b@example.com"
    assert [(step["step_name"], step["status"], step["attempts"]) for step in status["steps"]] == [
        ("createUser", "completed", 1),
        ("greeting", "completed", 1),
        ("sendWelcome", "completed", 1),
    ]
    assert "bob" in installed.pyflow(starter, "runs").splitlines()


def test_another_worker_goes_on_for_one_that_was_killed(installed: Installation, starter: Path, tmp_path: Path) -> None:
    """The mail is held back by a file, so that the worker is killed inside that step and nowhere else."""
    project = tmp_path / "shop"
    copy_project(starter, project)
    gate = tmp_path / "gate"
    functions = project / "shop" / "functions.py"
    loop = f"while not __import__('pathlib').Path({str(gate)!r}).exists():"
    held = f"    {loop}\n        await __import__('asyncio').sleep(0.02)\n"
    source = functions.read_text()
    assert "    await mailer.send" in source
    functions.write_text(source.replace("    await mailer.send", f"{held}    await mailer.send"))
    installed.pyflow(project, "start", "signup", "--input", '{"email": "c@example.com"}', "--run-id", "carol")
    with installed.worker(project) as worker:
        until_running(installed, project, "carol", "sendWelcome")
        worker.kill()
        worker.wait()
    before = {step["step_name"]: step for step in installed.status(project, "carol")["steps"]}
    assert before["createUser"]["status"] == "completed"
    gate.touch()
    with installed.worker(project):
        status = until_settled(installed, project, "carol")
    after = {step["step_name"]: step for step in status["steps"]}
    assert status["status"] == "completed"
    assert after["createUser"] == before["createUser"]
    assert after["greeting"] == before["greeting"]
    assert after["sendWelcome"]["attempts"] == 1, "the death of a worker is no try"


def test_its_own_tests_pass(installed: Installation, starter: Path, tmp_path: Path) -> None:
    copy_distributions({"pytest", *requirements("pytest")}, tmp_path)
    command = [str(installed.python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    installed.run(starter, *command, PYTHONPATH=str(tmp_path))


@pytest.mark.parametrize(
    "tool",
    [
        ["ruff", "check", "--isolated", "--no-cache", "."],
        ["ruff", "format", "--check", "--isolated", "--no-cache", "."],
        ["mypy", "--strict", "--explicit-package-bases", "--no-incremental", "--cache-dir", os.devnull, "shop"],
    ],
    ids=lambda tool: " ".join(tool[:2]),
)
def test_tools_find_nothing_in_a_new_project(installed: Installation, starter: Path, tool: list[str]) -> None:
    python = ["--python-executable", str(installed.python)] if tool[0] == "mypy" else []
    installed.run(starter, sys.executable, "-m", *tool, *python)


def test_pyright_finds_nothing_in_a_new_project(installed: Installation, starter: Path, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    copy_project(starter, project)
    # workers.py speaks of types of arq's, which come with the extra `redis`.
    copy_distributions({"arq", "redis", *requirements("arq")}, tmp_path / "extra")
    settings = {"include": ["shop"], "extraPaths": ["../extra"], "typeCheckingMode": "strict"}
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", str(installed.python)]
    report = json.loads(installed.run(project, *command))
    assert report["summary"]["filesAnalyzed"] > 10
    assert report["generalDiagnostics"] == []


def test_the_index_of_commands_is_quick_to_load(installed: Installation, starter: Path) -> None:
    code = "import sys, pyflow_cli.main; print(*(n for n in ('libcst', 'jinja2', 'pydantic') if n in sys.modules))"
    assert installed.run(starter, str(installed.python), "-c", code).strip() == ""


def copy_project(starter: Path, target: Path) -> None:
    for path in starter.rglob("*"):
        if path.is_file() and not {".pyflow", "__pycache__"} & set(path.relative_to(starter).parts):
            (target / path.relative_to(starter)).parent.mkdir(parents=True, exist_ok=True)
            (target / path.relative_to(starter)).write_bytes(path.read_bytes())


def until_settled(installed: Installation, project: Path, run_id: str) -> dict[str, object]:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        status = installed.status(project, run_id)
        if status["finished_at"] is not None:
            return status
        assert time.monotonic() < give_up, (project / "worker.log").read_text()


def until_running(installed: Installation, project: Path, run_id: str, step_name: str) -> None:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not any(
        step["step_name"] == step_name and step["status"] == "running"
        for step in installed.status(project, run_id)["steps"]
    ):
        assert time.monotonic() < give_up, (project / "worker.log").read_text()
