"""Hostile input through the inspector: no crash of the process, no hang, no code of the target executed.

python tests/fuzz/fuzz_inspector.py [COUNT] [FIRST]

Inputs are handed to two processes; one that dies or hangs is told apart by the last number that it printed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hostile_input import MARKER, corpus_files, hostile_project

from pyflow_inspector import InspectorSettings, inspect_project, render_json, render_text

if TYPE_CHECKING:
    from types import FrameType

    from pyflow_core.metadata import Metadata

CPU_SECONDS = 20
"""What one input may take, of the processor and not of the clock: a loaded machine fails no test."""

SILENCE_SECONDS = 600
"""After this long without a word a process is taken to hang where no signal reaches it."""


class Hang(BaseException):
    """An input took too long."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Hang


def inspect_hostile(files: list[bytes], seed: int, folder: Path) -> str | None:
    """What is wrong with the way in which one input is read; nothing if all is well."""
    root = folder / str(seed)
    for name, data in hostile_project(files, seed).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        metadata = inspect_project(InspectorSettings(root, root, "hostile"))
        problem = _judge(metadata, root)
    except Hang:
        problem = "hangs"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        problem = f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if Path(MARKER).exists() or (root / MARKER).exists():
        problem = "was executed"
    if problem is None:
        _remove(root)
    return problem


def _judge(metadata: Metadata, root: Path) -> str | None:
    for one in metadata.diagnostics:
        if one.code in {"PF903", "PF904"}:
            return one.message
        lines = (root / one.file).read_bytes().count(b"\n") + (root / one.file).read_bytes().count(b"\r") + 1
        if not (
            1 <= one.line <= lines and one.column >= 1 and (one.line, one.column) <= (one.end_line, one.end_column)
        ):
            return f"{one.code} points at {one.line}:{one.column}, which is nowhere"
    json.loads(render_json(metadata.diagnostics))
    render_text(metadata.diagnostics, root)
    return None


def _remove(root: Path) -> None:
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    root.rmdir()


def run_range(first: int, last: int) -> None:
    """Be one of the two processes: a line for each input, before and after."""
    files = corpus_files()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for seed in range(first, last):
            print(f"begin {seed}", flush=True)
            problem = inspect_hostile(files, seed, Path(folder))
            print(f"end {seed} {problem or ''}".rstrip(), flush=True)


def watch_range(first: int, last: int) -> list[str]:
    """Run a range in a process of its own, again after each death; what went wrong."""
    problems: list[str] = []
    while first < last:
        command = [sys.executable, __file__, "--range", str(first), str(last)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            current = first
            for line in process.stdout:
                word, seed, *problem = line.rstrip("\n").split(" ", 2)
                current = int(seed) + (word == "end")
                problems += [f"{seed}: {text}" for text in problem]
        if process.returncode != 0:
            problems.append(f"{current}: the process ended with {process.returncode}")
            current += 1
        first = max(current, first + 1)
    return problems


def main(count: int = 20_000, first: int = 0) -> int:
    size = 250
    starts = range(first, first + count, size)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda start: watch_range(start, min(start + size, first + count)), starts))
    problems = [problem for one in found for problem in one]
    print(*problems, f"{count} inputs, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument != "--range"]
    if "--range" in sys.argv:
        run_range(*numbers)
    else:
        sys.exit(main(*numbers))
