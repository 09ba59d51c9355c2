"""Delete any one `await`, misspell any one RPC, use any one name twice: it is found, at its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mutant import Laboratory, Mutant, mutants, projects

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = 23
"""Of so many mistakes one is made in the quick run."""


def _lost(chosen: slice, folder: Path) -> tuple[int, list[str]]:
    """How many mistakes were made, and which of them were not found."""
    laboratory = Laboratory(folder)
    settings = projects()
    every = [one for name, told in settings.items() for one in mutants(name, told)]
    made: list[Mutant] = sorted(set(every), key=str)[chosen]
    return len(made), [str(one) for one in made if not laboratory.is_found(one, settings[one.project])]


def test_mistakes_are_found_where_they_are(tmp_path: Path) -> None:
    count, lost = _lost(slice(None, None, SAMPLE), tmp_path)
    assert not lost, "\n".join(lost)
    assert count >= 30


@pytest.mark.slow
def test_every_mistake_is_found_where_it_is(tmp_path: Path) -> None:
    count, lost = _lost(slice(None), tmp_path)
    assert not lost, "\n".join(lost)
    assert count >= 700


def test_there_are_mistakes_of_each_kind_in_the_examples() -> None:
    settings = projects()
    for example in ("onboarding", "order_fulfillment", "patterns"):
        assert {one.code for one in mutants(example, settings[example])} == {"PF203", "PF201", "PF102"}
