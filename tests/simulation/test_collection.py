"""Whatever the order of things, collection deletes nothing that a row needs. `make chaos-payloads` plays many more."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.simulation.collection_world import EVENTS, ViolationError, replay

TURNS = 150
SCHEDULES = int(os.environ.get("PYFLOW_TEST_SCHEDULES", "1500"))
FIRST = 1_000_000

BUGS = {
    "commit ignores tombstones": 0,
    "bar ignores references": 0,
    "deletion without a bar": 0,
    "no grace": 0,
    "tombstones are short-lived": 1_000,
    "a barred name is used again": 0,
    "a commit may come any time": 15_000,
    "what is due is looked for once": 15_000,
    "configurations keep their name": 0,
    "configurations have the grace of others": 0,
}
"""Planted faults, each with the seed from which it is looked for: some need a rare order of things."""


def test_no_schedule_deletes_what_is_needed() -> None:
    total: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + SCHEDULES):
        total.update(replay(seed, TURNS))
    for event in EVENTS:
        assert total[event] > SCHEDULES / 100, f"the schedules hardly know {event}: {total}"


@pytest.mark.parametrize(("bug", "first"), BUGS.items())
def test_a_planted_bug_is_found(bug: str, first: int) -> None:
    def search() -> None:
        for seed in range(first, first + 20_000):
            replay(seed, TURNS, frozenset({bug}))

    with pytest.raises(ViolationError):
        search()


def test_a_schedule_is_the_same_every_time() -> None:
    assert replay(7, TURNS) == replay(7, TURNS)
