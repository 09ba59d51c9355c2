"""A generated project in a folder of its own, and the command line in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SAMPLE = Path(__file__).with_name("sample")
ORDER = '{"item": "tea", "count": 2}'
PATIENCE_SECONDS = 60
"""Only the end of patience: nothing is measured by it."""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line that says what is wrong; there must be neither a second nor a traceback."""
        assert "Traceback" not in self.err, self.err
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")


@dataclass
class Running:
    process: subprocess.Popen[str]

    def stop(self, number: signal.Signals = signal.SIGINT) -> Ended:
        self.process.send_signal(number)
        return self.end()

    def end(self) -> Ended:
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        return Ended(self.process.returncode, out, err)


@dataclass(frozen=True)
class RuntimeProject:
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Ended:
        done = subprocess.run(
            self._command(arguments),
            cwd=self.root,
            env=self._environment(environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> Iterator[Running]:
        process = subprocess.Popen(
            self._command(arguments),
            cwd=self.root,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    @property
    def python_path(self) -> str:
        return os.environ.get("PYTHONPATH", "")

    def command(self, *arguments: str) -> list[str]:
        return self._command(arguments)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "pyflow_cli.main", *arguments]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYFLOW_")}
        return {**kept, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **self.environment, **more}

    def start(self, workflow: str, run_id: str, *more: str) -> str:
        started = self("start", workflow, "--run-id", run_id, *more)
        assert started.code == 0, started.err
        return started.out.strip()

    def status(self, run_id: str) -> Any:
        return self("status", run_id, "--json").json

    def wait_for_file(self, name: str) -> None:
        self.wait_for((self.root / name).exists)

    def wait_for(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, "it never happened"
            time.sleep(0.02)

    def touch(self, name: str) -> None:
        (self.root / name).touch()

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def generate_sample(folder: Path) -> Path:
    root = folder / "sample"
    shutil.copytree(SAMPLE, root, ignore=shutil.ignore_patterns("__pycache__", "pyflow_gen", ".*"))
    generated = RuntimeProject(root)("generate")
    assert generated.code == 0, generated.err
    return root


def copy_project(root: Path, to: Path) -> RuntimeProject:
    # `copy2` keeps the times, so that what was generated stays newer than its source.
    shutil.copytree(root, to, ignore=shutil.ignore_patterns("__pycache__"))
    return RuntimeProject(to)
