"""What type checkers take for a generated package, beside what they take for the same project without one.

Both projects have the same models, the same wired functions and as many calls. In the one they are calls of the
functions, in the other steps of workflows that are typed by what was generated: by name, in workflows of 20 steps, and
by reference. Figures are seconds of all processors, without caches; what can be compared on a busy machine are ratios.
The last column tells whether the cost grows in step with the project: it is the cost of one more RPC in the larger half
of the sizes, by that in the smaller half, and 1 where the growth is linear.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "typing"))

from checker import CHECKERS, command, configure
from many_rpcs import write_project

STEPS = 20
SIZES = [5, 100, 500]
SOURCE = ["app/models.py", "app/functions.py"]
GENERATE = [sys.executable, "-m", "pyflow_cli.main", "generate", "--quiet", "--no-docs"]


def write_calls(root: Path, rpcs: int) -> None:
    """As many calls as RPCs twice: in the plain project of functions, in the other of steps."""
    plain = ["from app import functions, models\n\n"]
    steps = ["from typing import TYPE_CHECKING\n", "from app import models", "from pyflow_gen import rpcs\n"]
    steps += ["if TYPE_CHECKING:"]
    steps += [f"    from pyflow_gen.flow_{flow} import Workflow as W{flow}" for flow in range(_flows(rpcs))]
    for flow in range(_flows(rpcs)):
        plain.append(f"\n\nasync def flow_{flow}() -> None:")
        steps.append(f"\n\nasync def flow_{flow}(workflow: 'W{flow}') -> None:")
        for step in range(min(STEPS, rpcs)):
            rpc = (flow * 7 + step) % rpcs
            name, data = f"area{rpc % 25}.call{rpc}", f'models.In{rpc}(key="a")'
            plain += [f"    v{step}: float = (await functions.call{rpc}({data})).value"]
            plain += [f"    w{step}: list[str] = (await functions.call{rpc}({data})).tags"]
            steps += [f'    v{step}: float = (await workflow.do("v{step}", "{name}", {data})).value']
            steps += [f'    w{step}: list[str] = (await workflow.do("w{step}", rpcs.{name}({data}))).tags']
            for lines in (plain, steps):
                lines.append(f"    print(v{step}, w{step})")
    (root / "plain.py").write_text("\n".join(plain) + "\n")
    (root / "steps.py").write_text("\n".join(steps) + "\n")


def _flows(rpcs: int) -> int:
    return max(2, rpcs // STEPS)


def processor_seconds(checker: str, root: Path, *files: str) -> float:
    """Of a checker that finds nothing in these files."""
    options = {"mypy": ["--cache-dir", os.devnull]}.get(checker, [])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [*command(checker), *options, *files], cwd=root, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode:
        raise SystemExit(f"{checker} is not content:\n{result.stdout}{result.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(checker: str, root: Path, rounds: int) -> tuple[float, float]:
    """Seconds for the project without and with its generated package, in turn; the medians."""
    pairs = [
        (
            processor_seconds(checker, root, *SOURCE, "plain.py"),
            processor_seconds(checker, root, *SOURCE, "steps.py", "pyflow_gen"),
        )
        for _ in range(rounds)
    ]
    return statistics.median(plain for plain, _ in pairs), statistics.median(steps for _, steps in pairs)


def growth(sizes: list[int], seconds: list[float]) -> str:
    """The cost of one more RPC between the last two sizes, by that between the first two."""
    if len(sizes) < 3:
        return ""
    slopes = [(seconds[n + 1] - seconds[n]) / (sizes[n + 1] - sizes[n]) for n in (0, len(sizes) - 2)]
    return f"{slopes[1] / slopes[0]:.1f}" if slopes[0] > 0 else "?"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options.add_argument("--checkers", nargs="+", choices=CHECKERS, default=["mypy", "pyright"])
    options.add_argument("--rounds", type=int, default=1)
    given = options.parse_args()
    sizes = sorted(given.sizes)
    figures: dict[str, list[tuple[float, float]]] = {checker: [] for checker in given.checkers}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            root = Path(folder) / str(size)
            write_project(root, rpcs=size, workflows=_flows(size), steps=STEPS)
            write_calls(root, size)
            subprocess.run([*GENERATE, "--project", str(root)], check=True)
            configure(root)
            for checker in given.checkers:
                figures[checker].append(measure(checker, root, given.rounds))
    print("| checker | " + " | ".join(f"{size} RPCs: plain, generated, ratio" for size in sizes) + " | growth |")
    print("| --- " * (len(sizes) + 2) + "|")
    for checker, measured in figures.items():
        cells = [f"{plain:.2f} s, {steps:.2f} s, {steps / plain:.2f}" for plain, steps in measured]
        print(f"| {checker} | " + " | ".join(cells) + f" | {growth(sizes, [steps for _, steps in measured])} |")


if __name__ == "__main__":
    main()
