"""`make bench`: the same workloads on pyflow and on DBOS, in turn, as a table and as JSON.

Each subject runs in a process of its own, one after the other, in several rounds, so that what disturbs the machine
disturbs all. Figures are medians with their spread; trust the ratios, not the absolute times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
PEER = "DBOS"
SUBJECTS = {
    "FULL": ["subject_pyflow.py", "full"],
    PEER: ["subject_dbos.py"],
    "NORMAL": ["subject_pyflow.py", "normal"],
}
LEAST = {
    "inline: burst of 500 x 10": 60,
    "rpc: burst of 500 x 10": 25,
    "inline: burst of 500 x 10, starter and worker apart": 20,
    "rpc: burst of 500 x 10, starter and worker apart": 20,
    "inline: sequential, 10 steps": 6,
    "rpc: sequential, 10 steps": 5,
}
"""How many times better than DBOS's inline workload each of ours is meant to be, with FULL."""

Values = dict[str, dict[str, list[float]]]


def measure(name: str, into: Values, units: dict[str, str]) -> bool:
    """Run one subject; False if it cannot run here."""
    script, *arguments = SUBJECTS[name]
    process = subprocess.run(
        [sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    for line in process.stdout.splitlines():
        figure = json.loads(line)
        into[figure["workload"]][name].append(figure["value"])
        units[figure["workload"]] = figure["unit"]
    return process.returncode == 0


def peer_of(workload: str) -> str:
    """DBOS has no queue without a delay of its own: everything is compared with its inline workload."""
    return workload.replace("rpc:", "inline:").removesuffix(", starter and worker apart")


def ratio(values: Values, units: dict[str, str], workload: str, name: str) -> float | None:
    """How many times better than the peer."""
    ours, theirs = values[workload].get(name), values.get(peer_of(workload), {}).get(PEER)
    if not ours or not theirs:
        return None
    quotient = statistics.median(ours) / statistics.median(theirs)
    return quotient if units[workload].endswith("/s") else 1 / quotient


def cell(values: list[float] | None) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):,.3g} [{min(values):,.3g}-{max(values):,.3g}]"


def print_table(values: Values, units: dict[str, str]) -> None:
    print("| workload | unit | pyflow FULL | pyflow NORMAL | DBOS | FULL / DBOS | aim |")
    print("|---|---|---|---|---|---|---|")
    for workload in sorted(values):
        times = ratio(values, units, workload, "FULL")
        least = LEAST.get(workload)
        print(
            f"| {workload} | {units[workload]} | {cell(values[workload].get('FULL'))} "
            f"| {cell(values[workload].get('NORMAL'))} | {cell(values[workload].get(PEER))} "
            f"| {'-' if times is None else f'{times:.1f} x'} | {'' if least is None else f'>= {least} x'} |"
        )


def to_json(values: Values, units: dict[str, str]) -> list[dict[str, object]]:
    return [
        {
            "workload": workload,
            "subject": name,
            "unit": units[workload],
            "median": statistics.median(numbers),
            "least": min(numbers),
            "most": max(numbers),
            "rounds": len(numbers),
            "times_better_than_dbos": ratio(values, units, workload, name),
        }
        for workload in sorted(values)
        for name, numbers in sorted(values[workload].items())
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"))
    options = parser.parse_args()
    values: Values = defaultdict(lambda: defaultdict(list))
    units: dict[str, str] = {}
    for number in range(1, options.rounds + 1):
        for name in SUBJECTS:
            print(f"round {number} of {options.rounds}: {name}", file=sys.stderr, flush=True)
            if not measure(name, values, units):
                hint = " (pip install 'pyflow-workflows[bench]')" if name == PEER else ""
                print(f"{name} could not be measured{hint}", file=sys.stderr)
                return 1
    print_table(values, units)
    options.json.write_text(json.dumps(to_json(values, units), indent=1, ensure_ascii=False) + "\n")
    print(f"\nwritten to {options.json}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
