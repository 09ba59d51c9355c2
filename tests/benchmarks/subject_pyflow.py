"""Measures pyflow on SQLite in this process: `python subject_pyflow.py full|normal`."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from figure import report, stopwatch
from workload import Size, project

from pyflow_core.engine.replay import Replay
from pyflow_core.engine.twin import Twins
from pyflow_core.engine.values import RunValues

if TYPE_CHECKING:
    from pyflow_core.client import Client
    from pyflow_core.ports.state import RunHistory

BURST = 500
SEQUENTIAL = 60
CONCURRENCY = 1000
"""Slots of each queue. With the default of 10 a burst would measure the limit, not the engine."""


async def run(client: Client, workflow: str, steps: int) -> None:
    await (await client.start(workflow, Size(steps=steps))).result()


async def sequential(client: Client, kind: str) -> None:
    times = []
    for _ in range(SEQUENTIAL):
        with stopwatch() as watch:
            await run(client, kind, 10)
        times.append(watch.wall * 1e3)
    report(f"{kind}: sequential, 10 steps", statistics.median(times), "ms")


async def burst(client: Client, kind: str, label: str = "") -> None:
    with stopwatch() as watch:
        await asyncio.gather(*(run(client, kind, 10) for _ in range(BURST)))
    report(f"{kind}: burst of {BURST} x 10{label}", BURST / watch.wall, "runs/s")
    if not label:
        report(f"{kind}: burst, CPU a run", watch.cpu * 1e3 / BURST, "ms")


async def long_runs(client: Client, kind: str) -> None:
    for steps in (100, 1_000, 10_000):
        with stopwatch() as watch:
            await run(client, kind, steps)
        report(f"{kind}: one run of {steps:,} steps, per step", watch.wall * 1e3 / steps, "ms")


async def fan_out(client: Client, kind: str) -> None:
    with stopwatch() as watch:
        await run(client, f"{kind}-fan", 100)
    report(f"{kind}: fan-out of 100", watch.wall * 1e3, "ms")


async def replay(client: Client) -> None:
    handle = await client.start("inline", Size(steps=1_000))
    await handle.result()
    history = await client.state.load_run(handle.run_id)
    assert history is not None
    cpu = [await _replayed(client, history) for _ in range(5)]
    report("inline: replay of 1,000 steps from cold, CPU", statistics.median(cpu), "ms")


async def _replayed(client: Client, history: RunHistory) -> float:
    runtime = client.runtime
    definition = runtime.registry.workflow(history.run.workflow)
    with stopwatch() as watch:
        data = await runtime.data_of(definition.signature, history.run.input, history.run.tenant)
        execution = runtime.execution(definition, "replay", data, actor=None, started_at=0.0)

        async def no_invokes(invokes: object) -> None:
            raise AssertionError(invokes)

        await Replay(execution, history, no_invokes, RunValues(runtime.values, history.run.tenant, Twins())).run()
    assert execution.finished
    execution.retire()
    return watch.cpu * 1e3


async def in_one_process(folder: Path, synchronous: str) -> None:
    url = f"sqlite:///{folder}/one.db?synchronous={synchronous}"
    async with project.connect(state=url, worker=True, concurrency=CONCURRENCY) as client:
        for kind in ("inline", "rpc"):
            await run(client, kind, 10)
            await sequential(client, kind)
            await burst(client, kind)
            await fan_out(client, kind)
            await long_runs(client, kind)
        await replay(client)


async def in_separate_processes(folder: Path, synchronous: str) -> None:
    url = f"sqlite:///{folder}/two.db?synchronous={synchronous}"
    worker = subprocess.Popen(  # noqa: ASYNC220 - started before anything else runs
        [sys.executable, __file__, "worker", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdout.readline()
    try:
        async with project.connect(state=url) as client:
            for kind in ("inline", "rpc"):
                await run(client, kind, 10)
                await burst(client, kind, ", starter and worker apart")
    finally:
        worker.stdin.close()
        worker.wait()


async def work(url: str) -> None:
    """Work until standard input is closed."""
    async with project.connect(state=url, worker=True, concurrency=CONCURRENCY):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    if sys.argv[1] == "worker":
        asyncio.run(work(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        asyncio.run(in_one_process(Path(folder), sys.argv[1]))
        asyncio.run(in_separate_processes(Path(folder), sys.argv[1]))


if __name__ == "__main__":
    main()
