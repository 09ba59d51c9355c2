"""Measures DBOS on SQLite in this process, by its asynchronous API. It needs the extra `[bench]`."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

from dbos import DBOS
from figure import report, stopwatch

BURST = 500
SEQUENTIAL = 20


@DBOS.step()
async def step(value: int) -> int:
    return value


@DBOS.workflow()
async def chain(steps: int) -> int:
    total = 0
    for i in range(steps):
        total += await step(i)
    return total


@DBOS.workflow()
async def fan(steps: int) -> int:
    return len(await asyncio.gather(*(step(i) for i in range(steps))))


async def measure() -> None:
    DBOS.launch()
    await chain(10)
    times = []
    for _ in range(SEQUENTIAL):
        with stopwatch() as watch:
            await chain(10)
        times.append(watch.wall * 1e3)
    report("inline: sequential, 10 steps", statistics.median(times), "ms")
    with stopwatch() as watch:
        handles = await asyncio.gather(*(DBOS.start_workflow_async(chain, 10) for _ in range(BURST)))
        await asyncio.gather(*(handle.get_result(polling_interval_sec=0.05) for handle in handles))
    report(f"inline: burst of {BURST} x 10", BURST / watch.wall, "runs/s")
    report("inline: burst, CPU a run", watch.cpu * 1e3 / BURST, "ms")
    with stopwatch() as watch:
        await fan(100)
    report("inline: fan-out of 100", watch.wall * 1e3, "ms")
    for steps in (100, 1_000):
        with stopwatch() as watch:
            await chain(steps)
        report(f"inline: one run of {steps:,} steps, per step", watch.wall * 1e3 / steps, "ms")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        DBOS(
            config={
                "name": "bench",
                "system_database_url": f"sqlite:///{folder}/dbos.sqlite",
                "log_level": "ERROR",
                "application_version": "bench",
            }
        )
        try:
            asyncio.run(measure())
        finally:
            DBOS.destroy()


if __name__ == "__main__":
    main()
