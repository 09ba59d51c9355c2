from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from engine_bench import MEMORY_MODES, SQLITE_MODES

from pyflow_core.wiring import Registry, isolated_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine_bench import Mode


@pytest.fixture
def registry() -> Iterator[Registry]:
    """What the test wires."""
    with isolated_registry() as registry:
        yield registry


@pytest.fixture(params=[*MEMORY_MODES, *SQLITE_MODES], ids=str)
def mode(request: pytest.FixtureRequest, tmp_path: Path) -> Mode:
    """Every way to run the engine."""
    return replace(request.param, folder=tmp_path)


@pytest.fixture(params=[MEMORY_MODES[0], MEMORY_MODES[4], SQLITE_MODES[0]], ids=str)
def holding_mode(request: pytest.FixtureRequest, tmp_path: Path) -> Mode:
    """Modes in which a worker keeps a run while it executes its steps."""
    return replace(request.param, folder=tmp_path)


@pytest.fixture(params=[MEMORY_MODES[0], MEMORY_MODES[-1], SQLITE_MODES[0]], ids=str)
def some_mode(request: pytest.FixtureRequest, tmp_path: Path) -> Mode:
    """The most different ways to run the engine."""
    return replace(request.param, folder=tmp_path)
