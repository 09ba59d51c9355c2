from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from installation import Installation, build_wheel, install

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, tmp_path_factory.mktemp("clean") / "a venv")


@pytest.fixture(scope="session")
def starter(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that `pyflow init` writes, generated."""
    folder = tmp_path_factory.mktemp("away")
    installed.pyflow(folder, "init", "shop")
    installed.pyflow(folder / "shop", "generate")
    return folder / "shop"
