"""Four type checkers on projects of 5, 100 and 500 RPCs: right uses pass without ignores, planted mistakes do not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from many_rpcs import WRONG, write_project

from pyflow_cli.main import main

SEARCHED = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
BIN = Path(sys.executable).parent
SIZES = [5, 100, pytest.param(500, marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SIZES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(f"many{request.param}")
    write_project(root, rpcs=request.param)
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--quiet", "--project", str(root)])
    assert ended.value.code == 0
    places = [".", *SEARCHED]
    (root / "pyrefly.toml").write_text(f'preset = "default"\nsearch-path = {json.dumps(places)}\n')
    (root / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "extraPaths": places}))
    return root


def command(checker: str) -> list[str]:
    match checker:
        case "mypy":
            return [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", "--no-error-summary"]
        case "pyright":
            return [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
        case "ty":
            searched = [word for path in SEARCHED for word in ("--extra-search-path", path)]
            return [str(BIN / "ty"), "check", "--python", sys.executable, "--output-format", "concise", *searched]
        case _:
            interpreter = ["--python-interpreter-path", sys.executable]
            return [str(BIN / "pyrefly"), "check", "--output-format", "min-text", *interpreter]


def lines_with_errors(checker: str, project: Path, file: str) -> tuple[list[int], str]:
    result = subprocess.run([*command(checker), file], cwd=project, capture_output=True, text=True, check=False)
    place = rf"ERROR .*?{file}:(\d+)" if checker == "pyrefly" else rf"^.*{file}:(\d+).*error"
    found = re.findall(place, result.stdout, re.MULTILINE)
    return sorted({int(line) for line in found}), result.stdout + result.stderr


CHECKERS = ["mypy", "pyright", "ty", "pyrefly"]


@pytest.mark.parametrize("checker", CHECKERS)
def test_right_uses_pass_without_ignores(checker: str, project: Path) -> None:
    found, output = lines_with_errors(checker, project, "right.py")
    assert found == [], output
    assert "error" not in output.lower().replace("0 errors", ""), output


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_planted_mistake_is_reported(checker: str, project: Path) -> None:
    planted = [number for number, line in enumerate(WRONG.splitlines(), start=1) if "# E: " in line]
    if checker == "ty":
        planted.pop()  # it does not look into `Unpack` of options
    found, output = lines_with_errors(checker, project, "wrong.py")
    assert found == planted, output
