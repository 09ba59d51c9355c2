"""`make demo`: a worker is killed in the middle, another goes on, and no process is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "license_audit" / "demo.py"


def start_demo(folder: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYFLOW_")}
    return subprocess.Popen(
        [sys.executable, str(DEMO)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_killed_worker_costs_no_completed_step(tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    output, _ = demo.communicate(timeout=120)
    assert demo.returncode == 0, output
    kept = re.search(r"(\d+) of (\d+) completed steps were not run again", output)
    assert kept is not None, output
    assert kept[1] == kept[2]
    assert int(kept[1]) > 5
    assert "to look at" in output or "permissive" in output
    assert (tmp_path / "license_audit_report" / "report.md").is_file()
    workers = [int(pid) for pid in re.findall(r"pyflow worker +# process (\d+)", output)]
    assert len(workers) == 2
    assert not any(is_alive(pid) for pid in workers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    demo = start_demo(tmp_path)
    assert demo.stdout is not None
    worker = next(found for line in demo.stdout if (found := re.search(r"pyflow worker +# process (\d+)", line)))
    demo.send_signal(number)
    rest, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, rest
    assert "the worker was stopped" in rest
    assert not is_alive(int(worker[1]))
