"""One figure: a line of JSON from the process that measured it."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Figure:
    """`unit` is `ms` (less is better) or `runs/s` (more is better)."""

    workload: str
    value: float
    unit: str


def report(workload: str, value: float, unit: str) -> None:
    print(json.dumps(asdict(Figure(workload, value, unit))), flush=True)


class Stopwatch:
    """Wall and CPU seconds of a block."""

    wall = 0.0
    cpu = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    watch = Stopwatch()
    wall, cpu = time.perf_counter(), time.process_time()
    yield watch
    watch.wall, watch.cpu = time.perf_counter() - wall, time.process_time() - cpu
