"""Audits the environment, kills the worker in the middle, and shows that nothing was done twice.

Run it with `make demo`, or with `python examples/license_audit/demo.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyflow_core.ports.state import StepStatus

if TYPE_CHECKING:
    from collections.abc import Generator

    from pyflow_core import RunHandle
    from pyflow_core.client import Client
    from pyflow_core.ports.state import StepRecord

    from audit_app.models import AuditOutput, Summary

HERE = Path(__file__).resolve().parent
FOLDER = HERE / ".pyflow" / "demo"
LEDGER = FOLDER / "ledger.jsonl"
LOG = FOLDER / "worker.log"
PYFLOW = (sys.executable, "-m", "pyflow_cli.main")

LOOK_EVERY_SECONDS = 0.01
GIVE_UP_SECONDS = 120


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass
class Witness:
    """What was seen at the moment of the kill, to be compared with the end."""

    completed: list[str]
    running: list[str]
    total: int
    resumed_after: float = 0.0
    ran_twice: list[str] = field(default_factory=list[str])


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        generate()
        prepare()
        asyncio.run(show(started))
    except KeyboardInterrupt:
        say("\ninterrupted; the worker was stopped")
        return 130
    except DemoError as error:
        say(f"\n{error}")
        return 1
    return 0


def generate() -> None:
    """Write the typed client and the workers from the source, as an author does after every change."""
    say("$ pyflow generate")
    done = subprocess.run([*PYFLOW, "generate", "--project", str(HERE)], check=False)
    if done.returncode != 0:
        raise DemoError("pyflow generate has failed")


def prepare() -> None:
    """A fresh store and a fresh ledger; both are found by the workers through their environment."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ["PYFLOW_STATE"] = f"sqlite:///{(FOLDER / 'state.db').as_posix()}"
    os.environ["AUDIT_LEDGER"] = str(LEDGER)


async def show(started: float) -> None:
    from audit_app.models import AuditInput
    from audit_app.pyflow_gen import connect, workflows

    async with connect() as client:
        run = await workflows.license_audit.start(AuditInput(folder=str(Path.cwd() / "license_audit_report")))
        say(f"started run {run.run_id[:8]}; nothing runs yet: a run is a row in {FOLDER.name}/state.db")
        witness = await kill_in_the_middle(client, run)
        output = await finish(client, run, witness)
    witness.ran_twice = compare_with_ledger(witness)
    conclude(witness, output, time.monotonic() - started)
    if witness.ran_twice:
        raise DemoError(f"completed steps were run again: {', '.join(witness.ran_twice)}")


async def kill_in_the_middle(client: Client, run: RunHandle[AuditOutput]) -> Witness:
    """Start a worker, and kill it without warning as soon as half of the audits are done."""
    with worker() as process:
        say(f"$ pyflow worker        # process {process.pid}")
        await watch(client, run, process, until=lambda done, total: done * 2 >= total)
        process.kill()
        process.wait()
    # Read after its death, so that what it committed last counts too.
    steps = await client.state.list_steps(run.run_id)
    completed = [step.step_name for step in steps if step.status is StepStatus.COMPLETED]
    running = [step.step_name for step in steps if step.status is StepStatus.RUNNING]
    total = len(audits(steps))
    say(f"\nkilled process {process.pid} (SIGKILL) with {len(completed)} steps completed and {len(running)} under way")
    if (await client.get_run(run.run_id)).status.settled:
        raise DemoError("the audit was over before the worker could be killed; run the demo again")
    return Witness(completed, running, total)


async def finish(client: Client, run: RunHandle[AuditOutput], witness: Witness) -> AuditOutput:
    """Start another worker, which takes over what the dead one left."""
    before = len([name for name in witness.completed if name.startswith("audit-")])
    with worker() as process:
        say(f"$ pyflow worker        # process {process.pid}")
        begun = time.monotonic()
        await watch(client, run, process, until=lambda done, _: done > before)
        witness.resumed_after = time.monotonic() - begun
        await watch(client, run, process, until=lambda done, total: done == total)
        output = await run.result(timeout=GIVE_UP_SECONDS)
    say("")
    return output


@contextmanager
def worker() -> Generator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, which never outlives this block."""
    command = [*PYFLOW, "worker", "--project", str(HERE), "--concurrency", "1"]
    with LOG.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def watch(
    client: Client, run: RunHandle[AuditOutput], process: subprocess.Popen[bytes], *, until: Condition
) -> None:
    """Show the progress until the condition on (audits done, audits in all) holds.

    Raises:
        DemoError: the worker has ended, the run has failed, or it takes too long.
    """
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        rows = audits(await client.state.list_steps(run.run_id))
        done = sum(row.status is StepStatus.COMPLETED for row in rows)
        progress(done, len(rows))
        if rows and until(done, len(rows)):
            return
        if process.poll() is not None or time.monotonic() > give_up:
            tail = "\n".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
            raise DemoError(f"the worker does not get any further; its log ends with:\n{tail}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def audits(steps: list[StepRecord]) -> list[StepRecord]:
    return [step for step in steps if step.step_name.startswith("audit-")]


def compare_with_ledger(witness: Witness) -> list[str]:
    """Steps that had completed before the kill, and of which the ledger holds more than one execution."""
    lines = LEDGER.read_text(encoding="utf-8").splitlines()
    times = Counter(json.loads(line)["step"] for line in lines)
    return [name for name in witness.completed if times[name] != 1]


def conclude(witness: Witness, output: AuditOutput, seconds: float) -> None:
    kept = len(witness.completed) - len(witness.ran_twice)
    say(f"{kept} of {len(witness.completed)} completed steps were not run again: the ledger holds each of them once.")
    if witness.running:
        say(f"Under way when the worker died, and so begun anew: {', '.join(witness.running)}.")
    say(f"The second worker went on {witness.resumed_after:.1f} s after it was started.")
    say("")
    for line in summary_lines(output.summary):
        say(line)
    say("")
    say(f"report   {shown(output.report.markdown)}")
    say(f"         {shown(output.report.json_file)}")
    say(f"took     {seconds:.1f} s")


def summary_lines(summary: Summary) -> list[str]:
    """The audit in a few lines."""
    lines = [f"{summary.distributions} distributions, {summary.files:,} files, {summary.bytes / 1e6:,.0f} MB read"]
    width = max(len(category) for category in summary.by_category)
    most = max(summary.by_category.values())
    for category, count in summary.by_category.items():
        lines.append(f"  {category:{width}}  {count:4}  {'█' * max(1, round(30 * count / most))}")
    if summary.flagged:
        lines.append(f"  to look at: {', '.join(summary.flagged)}")
    if summary.altered:
        lines.append(f"  changed since they were installed: {', '.join(summary.altered)}")
    return lines


def progress(done: int, total: int) -> None:
    """One line that is drawn over on a terminal; elsewhere nothing."""
    if not sys.stdout.isatty():
        return
    filled = round(30 * done / total) if total else 0
    sys.stdout.write(f"\r  [{'█' * filled}{'·' * (30 - filled)}] {done}/{total or '?'} audited ")
    sys.stdout.flush()


def shown(path: str) -> str:
    """The path as one can open it from here."""
    there = Path(path)
    return str(there.relative_to(Path.cwd())) if there.is_relative_to(Path.cwd()) else path


def say(line: str) -> None:
    print(line, flush=True)


if TYPE_CHECKING:
    from collections.abc import Callable

    Condition = Callable[[int, int], bool]


if __name__ == "__main__":
    sys.exit(main())
