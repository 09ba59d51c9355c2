from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runtime_project import RuntimeProject, copy_project, generate_sample

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_sample(tmp_path_factory.mktemp("generated"))


@pytest.fixture
def project(generated: Path, tmp_path: Path) -> RuntimeProject:
    """A project that is generated already, with an empty store."""
    return copy_project(generated, tmp_path / "project")
