"""A generated package is clean for strict type checkers where no extra is installed: neither arq nor any other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest
from checker import CHECKERS, configure, places_with_errors

CASE = Path(__file__).parents[1] / "golden" / "cases" / "onboarding"
EXTRAS = r"arq|redis|hiredis|nats|obstore|pyarrow|opentelemetry|zstandard|uvloop"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with every package of this one but those of extras."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    interpreter = next(folder.glob("*/python*[!w].exe"), folder / "bin" / "python")
    [packages] = folder.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not re.match(rf"({EXTRAS})\b", path.name.replace("_", "-")):
            (packages / path.name).symlink_to(path)
    return str(interpreter)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for part in ("input", "expected"):
        shutil.copytree(CASE / part, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "uses_arq.py").write_text("import arq\n\nprint(arq)\n")
    configure(folder)
    return folder


def test_the_extras_are_not_there(python: str, project: Path) -> None:
    result = subprocess.run([python, "uses_arq.py"], cwd=project, capture_output=True, text=True, check=False)
    assert "No module named 'arq'" in result.stderr


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_generated_package_needs_no_extra_to_be_checked(checker: str, python: str, project: Path) -> None:
    found, output = places_with_errors(checker, project, "pyflow_gen", "app", python=python)
    assert found == [], output


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_checker_sees_that_arq_is_missing(checker: str, python: str, project: Path) -> None:
    found, output = places_with_errors(checker, project, "uses_arq.py", python=python)
    assert ("uses_arq.py", 1) in found, output


def test_importing_the_workers_says_which_extra_is_missing(python: str, project: Path) -> None:
    imports = "import pyflow_gen, pyflow_gen.blocking, pyflow_gen.rpcs; import pyflow_gen.workers"
    result = subprocess.run([python, "-c", imports], cwd=project, capture_output=True, text=True, check=False)
    assert result.stderr.rstrip().endswith("run `pip install 'pyflow-workflows[redis]'`")
