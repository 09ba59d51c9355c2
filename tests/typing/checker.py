"""Four type checkers, each as strict as it can be, and what they say of a project's files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

CHECKERS = ["mypy", "pyright", "ty", "pyrefly"]
SEARCHED = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
_BIN = Path(sys.executable).parent


def configure(project: Path) -> None:
    """Tell those that read files where pyflow is, and that nothing is to be let pass."""
    places = [".", *SEARCHED]
    (project / "pyrefly.toml").write_text(f'preset = "default"\nsearch-path = {json.dumps(places)}\n')
    (project / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "extraPaths": places}))


def command(checker: str, python: str = sys.executable) -> list[str]:
    """The command that checks files, which come behind it, with the packages of an interpreter."""
    match checker:
        case "mypy":
            named = ["--explicit-package-bases", "--no-error-summary", "--python-executable", python]
            return [sys.executable, "-m", "mypy", "--strict", *named]
        case "pyright":
            return [sys.executable, "-m", "pyright", "--pythonpath", python]
        case "ty":
            searched = [word for path in SEARCHED for word in ("--extra-search-path", path)]
            return [str(_BIN / "ty"), "check", "--python", python, "--output-format", "concise", *searched]
        case _:
            return [str(_BIN / "pyrefly"), "check", "--output-format", "min-text", "--python-interpreter-path", python]


def places_with_errors(
    checker: str, project: Path, *files: str, python: str = sys.executable
) -> tuple[list[tuple[str, int]], str]:
    """The files and lines in which something was found, sorted, and all that was said."""
    given = [*command(checker, python), *files]
    result = subprocess.run(given, cwd=project, capture_output=True, text=True, check=False)
    place = r"ERROR (\S+?):(\d+)" if checker == "pyrefly" else r"^\s*(\S+?):(\d+).*\berror"
    found = {(_inside(project, file), int(line)) for file, line in re.findall(place, result.stdout, re.MULTILINE)}
    assert bool(found) == bool(result.returncode), result.stdout + result.stderr
    return sorted(found), result.stdout + result.stderr


def _inside(project: Path, file: str) -> str:
    path = Path(file)
    return path.relative_to(project.resolve()).as_posix() if path.is_absolute() else file
