"""What is said of references holds: small rows for large values, and a status that costs the same for any size."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from payload_runs import weigh
from payload_status import LARGE_PART, PARTS, SMALL_PART, measure_status

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("workload", ["configs of 6-50 KB", "median 20 KB", "pages of 200 KB"])
def test_the_rows_of_large_values_are_a_tenth_of_what_they_would_be_inline(tmp_path: Path, workload: str) -> None:
    inline = weigh(tmp_path / "inline", "inline", workload)
    default = weigh(tmp_path / "references", "references", workload)
    assert default <= inline / 10


def test_a_short_run_of_small_values_is_the_same_either_way(tmp_path: Path) -> None:
    inline = weigh(tmp_path / "inline", "inline", "median 2 KB", 10)
    default = weigh(tmp_path / "references", "references", "median 2 KB", 10)
    assert abs(default - inline) < inline / 20


def test_a_status_is_as_large_for_100_mb_as_for_1_kb_and_asks_no_payload_store() -> None:
    small, large = asyncio.run(measure_status(SMALL_PART)), asyncio.run(measure_status(LARGE_PART))
    assert small.masked == large.masked
    # A size of 100 bytes takes three digits, one of 10,000,000 takes eight.
    assert large.size - small.size <= 2 * (PARTS + 1) * 5
    assert (small.calls, large.calls) == (0, 0)
