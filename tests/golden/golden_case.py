"""One directory a case: a project, a command, and what comes of it.

input/      the project; a link to another case's is fine
command     the arguments of `pyflow`; `generate` if there is no such file
expected/   the files that the command wrote or changed, by their path in the project
stdout, stderr, exit_code
"""

from __future__ import annotations

import shlex
import shutil
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

from pyflow_cli.main import main

CASES = Path(__file__).parent / "cases"
PLACE = "<project>"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str
    files: dict[str, str]


def case_names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir() if (path / "input").is_dir())


def run_case(name: str, folder: Path) -> Outcome:
    """Run a case in a copy of its project at `folder`, which must not be there yet."""
    shutil.copytree((CASES / name / "input").resolve(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = read_tree(folder)
    command = CASES / name / "command"
    arguments = shlex.split(command.read_text()) if command.exists() else ["generate"]
    out, err = _Stream(), _Stream()
    code = 0
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        try:
            main([*arguments, "--no-color"])
        except SystemExit as ended:
            code = int(ended.code or 0)
    after = read_tree(folder)
    changed = {path: text for path, text in after.items() if before.get(path) != text}
    changed |= {path: "# removed\n" for path in before if path not in after}
    place = str(folder.resolve())
    return Outcome(code, out.text().replace(place, PLACE), err.text().replace(place, PLACE), changed)


def expected(name: str) -> Outcome:
    case = CASES / name

    def text(file: str) -> str:
        return (case / file).read_text() if (case / file).exists() else ""

    files = read_tree(case / "expected") if (case / "expected").is_dir() else {}
    return Outcome(int(text("exit_code") or 0), text("stdout"), text("stderr"), files)


def write_expected(name: str, outcome: Outcome) -> None:
    """Make what came of a case what is expected of it."""
    case = CASES / name
    shutil.rmtree(case / "expected", ignore_errors=True)
    for path, text in outcome.files.items():
        target = case / "expected" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    texts = {"stdout": outcome.stdout, "stderr": outcome.stderr, "exit_code": f"{outcome.exit_code}\n"}
    for file, text in texts.items():
        (case / file).write_text(text)
        if not text or text == "0\n":
            (case / file).unlink()


def read_tree(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if _is_shown(path))
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def _is_shown(path: Path) -> bool:
    """Caches hold nothing that anybody would want to see."""
    return path.is_file() and not {"__pycache__", ".pyflow"} & set(path.parts)


class _Stream(TextIOWrapper):
    """A stream that can be configured anew, as the command line does with its own."""

    def __init__(self) -> None:
        self.bytes = BytesIO()
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    def text(self) -> str:
        return self.bytes.getvalue().decode("utf-8")
