"""How long `pyflow check` and `generate` take on 200 workflow files, and how much memory all processes take together.

A loaded machine makes every figure worse: what can be compared are the ratios to `ast.parse` and to a bare libcst
parse of the same files, which are measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from team_project import write_project

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK = "from pyflow_cli.main import main; main()"
AST = "import ast, sys; [ast.parse(open(name, 'rb').read()) for name in sys.argv[1:]]"
LIBCST = "import libcst, sys; [libcst.parse_module(open(name, 'rb').read()) for name in sys.argv[1:]]"


@dataclass(frozen=True)
class Measured:
    """One process and its children: seconds on the clock, of all processors, and, if watched, megabytes at the most."""

    seconds: float
    processor_seconds: float
    megabytes: float


class Meter(threading.Thread):
    """Watches the memory of a process and of all its descendants; a page that several share counts once."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._process = process
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.01):
            total = sum(_proportional_size(one) for one in [self._process, *_descendants(self._process)])
            self.megabytes = max(self.megabytes, total / 1024)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _descendants(process: int) -> list[int]:
    found: list[int] = []
    waiting = [process]
    while waiting:
        children = _children(waiting.pop())
        waiting += children
        found += children
    return found


def _children(process: int) -> list[int]:
    """Of all its threads: readers are started by one each."""
    found: list[int] = []
    for threads in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, threads.read_text(encoding="ascii").split())
    return found


def _proportional_size(process: int) -> int:
    """In kilobytes; 0 once it has ended, or where the system does not tell."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measure(arguments: list[str], folder: Path, *, watched: bool = False) -> Measured:
    """Watching takes time of the processors too: a run is either timed or watched."""
    before = os.times()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    meter = Meter(process.pid)
    if watched:
        meter.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - began
    if watched:
        meter.stop()
    after = os.times()
    if process.returncode not in {0, 1}:
        sys.exit(errors.decode())
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(seconds, spent, meter.megabytes)


def middle(run: Callable[[bool], Measured], times: int) -> Measured:
    """The run in the middle of several, by time, with the memory of one more."""
    runs = [run(False) for _ in range(times)]
    return Measured(
        statistics.median(one.seconds for one in runs),
        statistics.median(one.processor_seconds for one in runs),
        run(True).megabytes,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="runs of each kind, of which the middle one counts")
    parser.add_argument("--keep", type=Path, help="write the project there, and leave it")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="pyflow-bench-"))
    try:
        report(folder, given.times)
    finally:
        if given.keep is None:
            shutil.rmtree(folder)


def report(folder: Path, times: int) -> None:
    lines = write_project(folder)
    files = sorted(str(path) for path in folder.rglob("*.py"))
    edited = folder / "team" / "orders" / "open_0.py"

    def cold(command: str, watched: bool) -> Measured:
        for kept in (folder / ".pyflow", folder / "team" / "pyflow_gen"):
            shutil.rmtree(kept, ignore_errors=True)
        return measure([CHECK, command], folder, watched=watched)

    def unchanged(command: str, watched: bool) -> Measured:
        return measure([CHECK, command], folder, watched=watched)

    def one_changed(command: str, watched: bool) -> Measured:
        """After an edit that shows in what is generated."""
        text = edited.read_text(encoding="utf-8")
        shown = re.sub(r'(description="Check the request)[^"]*', rf"\g<1> {time.time_ns()}", text)
        edited.write_text(shown, encoding="utf-8")
        return measure([CHECK, command], folder, watched=watched)

    rows: list[tuple[str, Measured, float | None]] = [
        ("ast.parse of all files", middle(lambda w: measure([AST, *files], folder, watched=w), times), None),
        (
            "libcst.parse_module of all files",
            middle(lambda w: measure([LIBCST, *files], folder, watched=w), times),
            None,
        ),
        ("pyflow --help", middle(lambda w: measure([CHECK, "--help"], folder, watched=w), times), None),
        ("pyflow check, cold", middle(lambda w: cold("check", w), times), 3.0),
        ("pyflow check, nothing changed", middle(lambda w: unchanged("check", w), times), 0.4),
        ("pyflow check, one file changed", middle(lambda w: one_changed("check", w), times), 0.6),
        ("pyflow generate, cold", middle(lambda w: cold("generate", w), times), None),
        ("pyflow generate, nothing changed", middle(lambda w: unchanged("generate", w), times), None),
        ("pyflow generate, one file changed", middle(lambda w: one_changed("generate", w), times), None),
    ]
    plain = rows[1][1].processor_seconds
    print(f"{len(files)} files, {lines} lines; the middle of {times} runs; {os.cpu_count()} processors\n")
    print(f"{'':36}{'seconds':>9}{'wanted':>8}{'CPU':>8}{'of libcst':>11}{'MB':>7}")
    for name, one, wanted in rows:
        target = "" if wanted is None else f"{wanted:.1f}"
        share = one.processor_seconds / plain
        print(f"{name:36}{one.seconds:9.2f}{target:>8}{one.processor_seconds:8.2f}{share:10.0%} {one.megabytes:6.0f}")
    print("\nMB: the highest sum over all processes of one run; wanted are at most 150.")


if __name__ == "__main__":
    main()
