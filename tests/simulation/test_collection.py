"""Whatever the order of things, collection deletes nothing that a row needs. `make chaos-payloads` plays many more."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.simulation.collection_world import EVENTS, ViolationError, replay

TURNS = 150
SCHEDULES = int(os.environ.get("PYFLOW_TEST_SCHEDULES", "1500"))
FIRST = 1_000_000

BUGS = (
    "commit ignores tombstones",
    "bar ignores references",
    "deletion without a bar",
    "no grace",
    "tombstones are short-lived",
    "a barred name is used again",
    "a commit may come any time",
    "what is due is looked for once",
)


def test_no_schedule_deletes_what_is_needed() -> None:
    total: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + SCHEDULES):
        total.update(replay(seed, TURNS))
    for event in EVENTS:
        assert total[event] > SCHEDULES / 100, f"the schedules hardly know {event}: {total}"


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    def search() -> None:
        for seed in range(20_000):
            replay(seed, TURNS, frozenset({bug}))

    with pytest.raises(ViolationError):
        search()


def test_a_schedule_is_the_same_every_time() -> None:
    assert replay(7, TURNS) == replay(7, TURNS)
