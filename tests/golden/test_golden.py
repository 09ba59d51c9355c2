from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from golden_case import CASES, case_names, expected, run_case

if TYPE_CHECKING:
    from pathlib import Path

GENERATED = sorted(path.parent for path in CASES.glob("*/expected/**/_project.py"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PYFLOW_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("name", case_names())
def test_a_command_gives_what_is_expected(name: str, tmp_path: Path) -> None:
    assert run_case(name, tmp_path / name) == expected(name), "if this is right: python tests/golden/update.py"


@pytest.mark.parametrize("package", GENERATED, ids=str)
def test_expected_packages_are_python(package: Path) -> None:
    for path in package.glob("*.py"):
        ast.parse(path.read_text())


def _ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", *map(str, GENERATED)]
    return subprocess.run(command, cwd=CASES, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("width", [88, 100, 120])
def test_a_formatter_changes_nothing_in_expected_packages(width: int) -> None:
    result = _ruff("format", "--diff", "--line-length", str(width))
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("target", ["py311", "py312", "py313"])
def test_a_linter_finds_nothing_in_expected_packages(target: str) -> None:
    rules = "E,F,I,W,UP,B,TC,RUF100,PIE,SIM,RET,C4"
    result = _ruff("check", "--select", rules, "--target-version", target, "--output-format", "concise")
    assert (result.returncode, result.stdout.strip()) == (0, "All checks passed!")


def test_one_changed_character_of_a_step_name_is_a_readable_diff(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(CASES / "onboarding" / "input", project)
    shutil.copytree(CASES / "onboarding" / "expected", project, dirs_exist_ok=True)
    command = [sys.executable, "-m", "pyflow_cli.main", "generate", "--check", "--diff", "--project", str(project)]

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    clean = check()
    assert (clean.returncode, clean.stdout) == (0, "")
    source = project / "app" / "workflows" / "onboarding.py"
    source.write_text("# an edit above is no change\n" + source.read_text())
    assert (check().returncode, check().stdout) == (0, "")
    source.write_text(source.read_text().replace('"createUser"', '"createUsers"'))
    stale = check()
    assert stale.returncode == 1
    assert '-    queue_name = "workflow-onboarding-createUser"' in stale.stdout
    assert '+    queue_name = "workflow-onboarding-createUsers"' in stale.stdout
    assert "out of date: pyflow_gen/workers.py" in stale.stderr


def test_expected_packages_are_imported_where_no_module_of_the_user_is(tmp_path: Path) -> None:
    for number, package in enumerate(GENERATED):
        shutil.copytree(package, tmp_path / f"gen{number}")
    names = [
        f"gen{number}{inner}" for number in range(len(GENERATED)) for inner in ("", ".blocking", ".rpcs", ".workers")
    ]
    code = f"import importlib\nfor name in {names}: importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
