"""What the tests of the inspector share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from inspector_bench import RPCS, Bench

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RPCS", "Bench"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
