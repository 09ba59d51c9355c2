"""Generated packages are clean for strict type checkers, give the right types, and report every planted mistake."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyflow_cli.main import main

GOLDEN = Path(__file__).parents[1] / "golden" / "cases"
SOURCES = Path(__file__).parent / "sources"
MUST_FAIL = "must_fail.py"
CHECKED = [
    "app",
    "pyflow_gen",
    "src/shop",
    "zoo",
    "zoo_gen",
    "starter/starter",
    "inference.py",
    "callers.py",
    "nested_callers.py",
]


def copy_case(name: str, folder: Path) -> None:
    for part in ("input", "expected"):
        shutil.copytree(GOLDEN / name / part, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def pyflow(*arguments: str | Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Projects beside each other: the documentation's, one with awkward names, types of all kinds, and a new one."""
    folder = tmp_path_factory.mktemp("workspace")
    copy_case("onboarding", folder)
    copy_case("nested", folder)
    copy_case("types", folder)
    (folder / "pyproject.toml").unlink()
    for path in SOURCES.glob("*.py"):
        shutil.copy(path, folder)
    pyflow("init", folder / "starter", "--quiet")
    pyflow("generate", "--project", folder / "starter", "--quiet")
    return folder


def mypy(folder: Path, *targets: str) -> list[str]:
    """The lines with errors, as `file:line`."""
    command = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", "--no-error-summary"]
    environment = {"MYPYPATH": "src:starter", "PATH": "", "MYPY_CACHE_DIR": str(folder / ".mypy_cache")}
    environment["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    result = subprocess.run(
        [*command, *targets], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert result.stderr == ""
    return re.findall(r"^(\S+?:\d+): error", result.stdout, re.MULTILINE)


def pyright(folder: Path, *targets: str) -> list[str]:
    configuration = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "include": list(targets),
        "extraPaths": [".", "src", "starter"],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(configuration))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", "."]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(result.stdout)
    assert report["summary"]["filesAnalyzed"] > 0
    errors = [item for item in report["generalDiagnostics"] if item["severity"] == "error"]
    return [
        f"{Path(item['file']).resolve().relative_to(folder.resolve())}:{item['range']['start']['line'] + 1}"
        for item in errors
    ]


def planted() -> list[str]:
    lines = (SOURCES / MUST_FAIL).read_text().splitlines()
    return [f"{MUST_FAIL}:{number}" for number, line in enumerate(lines, start=1) if "# E: " in line]


def test_mypy_finds_nothing(workspace: Path) -> None:
    assert mypy(workspace, *CHECKED) == []


def test_pyright_finds_nothing(workspace: Path) -> None:
    assert pyright(workspace, *CHECKED) == []


def by_line(places: list[str]) -> list[str]:
    return sorted(set(places), key=lambda place: int(place.rpartition(":")[2]))


def test_mypy_reports_every_planted_mistake_and_nothing_else(workspace: Path) -> None:
    assert by_line(mypy(workspace, MUST_FAIL)) == planted()


def test_pyright_reports_every_planted_mistake_and_nothing_else(workspace: Path) -> None:
    assert by_line(pyright(workspace, MUST_FAIL)) == planted()


@pytest.mark.parametrize(
    ("old", "new"),
    [("    mailer: Mailer\n", "    post: Mailer\n"), ("    mailer: Mailer\n", "    mailer: Database\n")],
    ids=["missing", "wrong"],
)
def test_a_missing_or_wrong_service_is_a_type_error(tmp_path: Path, old: str, new: str) -> None:
    copy_case("onboarding", tmp_path)
    services = tmp_path / "app" / "services.py"
    text = services.read_text()
    assert old in text
    services.write_text(text.replace(old, new))
    places = mypy(tmp_path, "pyflow_gen/_services.py")
    assert {place.partition(":")[0] for place in places} >= {"pyflow_gen/_services.py"}


OPTIONAL = """\
from app import Period
from pyflow_gen import connect, workflows
from pyflow_gen.blocking import workflows as blocking

async def call() -> None:
    async with connect():
        await workflows.report.start(run_id="r")
        out: str = await workflows.report.run(None)
        await workflows.remind.run(4)
        print(out, blocking.remind.run(), await workflows.archive.run(Period()))
        await workflows.archive.run()
        await workflows.remind.run("4")
"""


def test_input_with_a_default_may_be_left_out(tmp_path: Path) -> None:
    copy_case("optional-input", tmp_path)
    (tmp_path / "use.py").write_text(OPTIONAL)
    assert mypy(tmp_path, "app.py", "pyflow_gen", "use.py") == ["use.py:11", "use.py:12"]
    assert pyright(tmp_path, "app.py", "pyflow_gen", "use.py") == ["use.py:11", "use.py:12"]
