"""A process is killed at every call of its store, and another goes on: no run is lost, no recorded step runs again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from chaos_scenario import SCENARIOS
from death_sweep import Lives

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.family import Family

pytest_plugins = ["tests.fixtures.processes"]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")

DEATHS = 10
"""Of the short form, for each way of each example."""

WAYS = {
    "alone": ("all", True),
    "alone, with plain commits": ("all", False),
    "started by another": ("work", True),
}
"""The role of the process that dies, and whether its commits are fused."""

OTHER_WAYS = [way for way in WAYS if way != "alone"]
SHORT = [*((scenario, "alone") for scenario in SCENARIOS), *(("order_fulfillment", way) for way in OTHER_WAYS)]
FULL = [(scenario, way) for scenario in SCENARIOS for way in WAYS]


@pytest.fixture(scope="module")
def lives(shared_family: Family, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lives]:
    """The lives of each scenario; one server for each is enough."""
    servers: dict[str, Lives] = {}

    def find(scenario: str) -> Lives:
        if scenario not in servers:
            servers[scenario] = Lives(shared_family, scenario, tmp_path_factory.mktemp(scenario))
        return servers[scenario]

    return find


def some(count: int) -> list[int]:
    """The first, the last, and others in between, of numbers from 1 to count."""
    stride = max(1, count // DEATHS)
    return sorted({*range(1, count + 1, stride), count})


@pytest.mark.parametrize(("scenario", "way"), SHORT)
def test_death_at_some_store_calls(lives: Callable[[str], Lives], scenario: str, way: str) -> None:
    role, fused = WAYS[way]
    here = lives(scenario)
    expected = here.undisturbed(role, fused=fused)
    died = [here.die_and_go_on(role, expected, fused=fused, point=point) for point in some(len(expected.reached))]
    # How many points there are depends on what coincides, so that the last ones may not be reached.
    assert died[0]
    assert sum(died) > len(died) / 2


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_death_between_a_side_effect_and_its_record(lives: Callable[[str], Lives], scenario: str) -> None:
    here = lives(scenario)
    expected = here.undisturbed("all")
    assert expected.notes
    for note in some(expected.notes):
        assert here.die_and_go_on("all", expected, note=note)
    assert not here.die_and_go_on("all", expected, note=expected.notes + 1)


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "way"), FULL)
def test_death_at_every_store_call(lives: Callable[[str], Lives], scenario: str, way: str) -> None:
    role, fused = WAYS[way]
    here = lives(scenario)
    expected = here.undisturbed(role, fused=fused)
    point = 1
    while here.die_and_go_on(role, expected, fused=fused, point=point):
        point += 1
    assert point > len(expected.reached) // 2
