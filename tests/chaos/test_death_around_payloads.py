"""A process is killed around its puts and commits, and another goes on: no reference ever points to nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from payload_server import MOMENTS
from payload_sweep import WAYS, PayloadLives, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.family import Family

pytest_plugins = ["tests.fixtures.processes"]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")

FEW, MANY = 6, 100


def kill(lives: PayloadLives, moment: str, kills: int) -> None:
    """So many deaths, in turn in each way, spread over the moments that a life has."""
    counts = [lives.count_moments(role, fused=fused)[moment] for role, fused in WAYS]
    assert min(counts) > 3
    done = number = 0
    while done < kills:
        role, fused = WAYS[number % len(WAYS)]
        # A stride that has no divisor in common with the count meets every moment before it meets one twice.
        occurrence = 1 + 7 * (number // len(WAYS)) % counts[number % len(WAYS)]
        done += lives.kill_and_go_on(moment, occurrence, role, fused=fused)
        number += 1
        assert number < 3 * kills, "lives get through too often"


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_reference_dangles_after_a_death(shared_family: Family, tmp_path: Path, moment: str) -> None:
    lives = PayloadLives(shared_family, tmp_path)
    kill(lives, moment, FEW)
    tally = lives.tallies[moment]
    assert (tally.kills, tally.dangling) == (FEW, 0)
    assert tally.references > 0


@pytest.mark.slow
def test_no_reference_dangles_after_three_hundred_deaths(
    shared_family: Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lives = PayloadLives(shared_family, tmp_path)
    for moment in MOMENTS:
        kill(lives, moment, MANY)
    with capsys.disabled():
        print(f"\n{table(lives.tallies)}")
    assert [tally.dangling for tally in lives.tallies.values()] == [0, 0, 0]
    # Deaths that leave nothing behind would show nothing of collection.
    assert lives.tallies["after-put"].deleted > 0
    assert lives.tallies["after-put"].streams_in_the_end > 0
    for moment in ("before-put", "after-put"):
        assert lives.tallies[moment].where["file-index.txt of index"] > 0
