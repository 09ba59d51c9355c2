"""What references do to runs: the size of their rows, their replay, their workers, their steps, and their status.

    python tests/benchmarks/bench_payload_runs.py [rows replay memory latency status] [--quick] [--json FILE]

Each figure stands beside the same work with everything inline, measured in turn with it, so that what disturbs the
machine disturbs both. Trust the ratios, not the times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import payload_runs
from figure import stopwatch
from payload_runs import (
    CARRIED,
    KIB,
    SIZES,
    HandOver,
    Pages,
    connected,
    replay,
    run,
    weigh,
)
from payload_status import LARGE_PART, PARTS, SMALL_PART, measure_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from payload_runs import Way

    from pyflow_core.client import Client

Rows = list[dict[str, Any]]
HERE = Path(__file__).parent


def show(title: str, rows: Rows) -> None:
    """A table of figures of one kind."""
    print(f"\n### {title}\n")
    print(f"| {' | '.join(rows[0])} |")
    print("|---" * len(rows[0]) + "|")
    for row in rows:
        print(f"| {' | '.join(_cell(value) for value in row.values())} |")
    sys.stdout.flush()


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


# --- the rows of a run


def rows(folder: Path, *, quick: bool) -> Rows:
    """The bytes of the rows of a run of each workload."""
    found: Rows = []
    plan = [(workload, CARRIED // 10 if quick else CARRIED) for workload in SIZES]
    for workload, steps in [*plan, ("median 2 KB", 10)]:
        place = folder / f"{workload} {steps} {len(found)}".replace(" ", "-")
        inline = weigh(place / "inline", "inline", workload, steps)
        default = weigh(place / "references", "references", workload, steps)
        saved = 100 * (1 - default / inline)
        found.append(
            {
                "workload": workload,
                "steps": steps,
                "inline, bytes": inline,
                "references, bytes": default,
                "saved, %": round(saved, 1),
            }
        )
    return found


# --- replay

TOUCHED = (0, 1, 10, 100)


def replays(folder: Path, *, quick: bool) -> Rows:
    """Replay from cold, with so much of the payloads touched; each beside the replay of an inline run."""
    found: Rows = []
    for steps in (100, 500):
        for size in (4, 64) if quick else (4, 64, 1024):
            place = folder / f"{steps}-{size}"
            found += _replays(place, steps, size * KIB, rounds=2 if size == 1024 else 5)
    return found


def _replays(folder: Path, steps: int, size: int, rounds: int) -> Rows:
    pages = Pages(steps=steps, size=size)
    for way in ("inline", "references"):
        (folder / way).mkdir(parents=True)
        payload_runs.touched_percent = 0 if way == "references" else 100
        asyncio.run(_record(folder / way, way, pages))
    variants: list[tuple[Way, int]] = [("inline", 100), *(("references", percent) for percent in TOUCHED)]
    times: dict[tuple[Way, int], list[tuple[float, float]]] = {variant: [] for variant in variants}
    for _ in range(rounds):
        for variant in variants:
            times[variant].append(asyncio.run(_replay(folder, *variant, steps, size)))
    walls = {variant: statistics.median(wall for wall, _ in measured) for variant, measured in times.items()}
    cpus = {variant: statistics.median(cpu for _, cpu in measured) for variant, measured in times.items()}
    base = variants[0]
    return [
        {
            "steps": steps,
            "size, KB": size // KIB,
            "touched, %": percent,
            "inline, ms": walls[base] * 1e3,
            "references, ms": walls[way, percent] * 1e3,
            "times faster": walls[base] / walls[way, percent],
            "times less CPU": cpus[base] / cpus[way, percent],
        }
        for way, percent in variants[1:]
    ]


async def _record(folder: Path, way: Way, pages: Pages) -> None:
    async with connected(folder, way) as client:
        await run(client, "gather-pages", pages, "run")


async def _replay(folder: Path, way: Way, percent: int, steps: int, size: int) -> tuple[float, float]:
    payload_runs.touched_percent = percent
    async with connected(folder / way, way, worker=False) as client:
        with stopwatch() as watch:
            touched = await replay(client, "run")
    assert touched == sum(size for number in range(steps) if number % 100 < percent)
    return watch.wall, watch.cpu


# --- memory

FORMS: dict[str, tuple[Way, str]] = {
    "inline": ("inline", "read-values"),
    "values": ("references", "read-values"),
    "handles": ("references", "read-handles"),
}
SHAPES = {"8 runs at once of 25 x 1 MB": (8, 25, 1024), "1 run of 100 x 64 KB": (1, 100, 64)}


def memory(folder: Path, *, quick: bool) -> Rows:
    """The peak of a fresh process that executes runs, and of one that takes over and replays them."""
    found: Rows = []
    for shape, (runs, steps, size) in SHAPES.items():
        share = 4 if quick else 1
        peaks: dict[tuple[str, str], float] = {}
        for form in FORMS:
            place = folder / f"{runs}-{steps}-{form}"
            place.mkdir(parents=True)
            for task in ("execute", "take over"):
                peaks[task, form] = _peak(place, task, form, str(runs), str(steps // share), str(size * KIB))
            peaks["idle", form] = _peak(place, "idle", form, "0", "0", "0")
        for task in ("execute", "take over"):
            inline, values, handles = (peaks[task, form] for form in FORMS)
            found.append(
                {
                    "a worker": f"{task}: {shape}",
                    "idle, MB": peaks["idle", "values"],
                    "inline, MB": inline,
                    "values by reference, MB": values,
                    "handles, MB": handles,
                    "values: less, %": 100 * (1 - values / inline),
                    "handles: less, %": 100 * (1 - handles / inline),
                }
            )
    return found


def _peak(folder: Path, *arguments: str) -> float:
    """The peak of a process of its own, in MB."""
    command = [sys.executable, str(HERE / "payload_memory.py"), str(folder), *arguments]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


# --- the latency of a step

HANDED_OVER = 40_000


def latency(folder: Path, *, quick: bool) -> Rows:
    """What handing a value of 40 KB from one step to the next costs more than inline: one put, one get."""
    from bench_payloads import start_servers

    found: Rows = []
    with ExitStack() as stack:
        urls = start_servers(stack, folder)
        for number, (name, url) in enumerate(urls.items()):
            if name.startswith("sqlite (normal)"):
                continue
            count = 1000 if name in ("memory", "files (synced)") else 300
            place = folder / f"latency-{number}"
            place.mkdir()
            found.append({"store": name, **asyncio.run(_latency(place, url, count // 20 if quick else count))})
    return found


async def _latency(folder: Path, url: str, count: int) -> dict[str, Any]:
    """Paired: inline, by reference, and inline again, in turn; the last tells what pairs of the same differ by."""
    inline, referred, again = HandOver(size=HANDED_OVER, inline=True), HandOver(size=HANDED_OVER, inline=False), None
    times: list[tuple[float, float, float]] = []
    async with connected(folder, "references", payloads=url) as client:
        for _ in range(10):
            await _timed(client, inline)
            await _timed(client, referred)
        for number in range(count):
            # Which goes first changes, so that neither always follows the other.
            first, second = (inline, referred) if number % 2 else (referred, inline)
            one, two = await _timed(client, first), await _timed(client, second)
            again = await _timed(client, inline)
            times.append((one, two, again) if number % 2 else (two, one, again))
    added = [by_reference - plain for plain, by_reference, _ in times]
    noise = [third - plain for plain, _, third in times]
    return {
        "pairs": count,
        "inline p50, ms": statistics.median(plain for plain, _, _ in times) * 1e3,
        "added p50, ms": statistics.median(added) * 1e3,
        "added p95, ms": _percentile(added, 95) * 1e3,
        "of two alike p95, ms": _percentile(noise, 95) * 1e3,
    }


async def _timed(client: Client, data: HandOver) -> float:
    before = time.perf_counter()
    assert await run(client, "hand-over", data) == HANDED_OVER
    return time.perf_counter() - before


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


# --- status


def status(folder: Path, *, quick: bool) -> Rows:
    """The answer about a run with large results beside that about one with small ones, with no store to read from."""
    del folder
    large = LARGE_PART // 10 if quick else LARGE_PART
    found: Rows = []
    for size in (SMALL_PART, large):
        measured = asyncio.run(measure_status(size))
        found.append(
            {
                "results, bytes": PARTS * size,
                "status, bytes": measured.size,
                "without the digits of sizes": len(measured.masked),
                "status, ms": measured.seconds * 1e3,
                "calls of the payload store": measured.calls,
            }
        )
    return found


FIGURES: dict[str, tuple[str, Callable[..., Rows]]] = {
    "rows": ("Bytes of all rows of a run", rows),
    "replay": ("Replay from cold", replays),
    "memory": ("Peak memory of a fresh process (VmHWM)", memory),
    "latency": ("Added by reference when 40 KB go from one step to the next", latency),
    "status": ("Status of a run, answered by the state alone", status),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []], default=[])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it runs")
    parser.add_argument("--json", type=Path, default=Path("bench-payload-runs.json"))
    options = parser.parse_args()
    results: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    for name in options.figures or FIGURES:
        title, measure = FIGURES[name]
        with tempfile.TemporaryDirectory(prefix="pyflow-bench-") as folder:
            results[name] = measure(Path(folder), quick=options.quick)
        show(title, results[name])
    options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {options.json}", file=sys.stderr)


if __name__ == "__main__":
    main()
