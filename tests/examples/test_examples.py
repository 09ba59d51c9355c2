"""Every example is a project of its own: it is checked, tested and type-checked as its author would do it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/pyproject.toml"))

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)


def run(example: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYFLOW_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=example,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"


def generated(example: Path) -> Path:
    return next(example.glob("*/pyflow_gen"))


def test_the_promised_examples_are_there() -> None:
    assert [path.name for path in EXAMPLES] == [
        "document_ingest",
        "license_audit",
        "onboarding",
        "order_fulfillment",
        "patterns",
    ]


@each_example
def test_its_own_tests_pass(example: Path) -> None:
    run(example, "pytest", "-q", "-p", "no:cacheprovider")


@each_example
def test_its_workflows_have_no_findings(example: Path) -> None:
    run(example, "pyflow_cli.main", "check", "--fail-on", "warning")


@each_example
def test_its_generated_package_is_up_to_date(example: Path) -> None:
    run(example, "pyflow_cli.main", "generate", "--check")


@each_example
def test_its_generated_package_is_canonical(example: Path) -> None:
    run(example, "ruff", "check", "--isolated", "--no-cache", str(generated(example)))
    run(example, "ruff", "format", "--check", "--isolated", "--no-cache", str(generated(example)))


@each_example
def test_mypy_finds_nothing(example: Path) -> None:
    run(example, "mypy", "--no-incremental", "--cache-dir", os.devnull)


@each_example
def test_pyright_finds_nothing(example: Path) -> None:
    run(example, "pyright", "--pythonpath", sys.executable)


@each_example
def test_it_says_what_it_is(example: Path) -> None:
    readme = (example / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# ")
    assert "pyflow generate" in readme
