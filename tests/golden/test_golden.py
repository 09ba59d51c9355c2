from __future__ import annotations

import ast
import os
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
