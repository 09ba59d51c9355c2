"""A fresh process that executes runs, or takes them over, and prints its peak in MB.

It is given `FOLDER TASK FORM RUNS STEPS SIZE`. The peak is the `VmHWM` of this process; `ru_maxrss` would be that of
its parent too.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bench_payload_runs import FORMS
from payload_runs import Pages, connected, replay, run


async def work(folder: Path, task: str, form: str, runs: int, pages: Pages) -> None:
    way, workflow = FORMS[form]
    async with connected(folder, way, worker=task == "execute") as client:
        run_ids = [f"run-{number}" for number in range(runs)]
        if task == "execute":
            await asyncio.gather(*(run(client, workflow, pages, run_id) for run_id in run_ids))
        elif task == "take over":
            for run_id in run_ids:
                assert await replay(client, run_id) == pages.steps * pages.size


def peak_megabytes() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("this needs Linux")


def main() -> None:
    folder, task, form, runs, steps, size = sys.argv[1:]
    asyncio.run(work(Path(folder), task, form, int(runs), Pages(steps=int(steps), size=int(size))))
    print(peak_megabytes())


if __name__ == "__main__":
    main()
