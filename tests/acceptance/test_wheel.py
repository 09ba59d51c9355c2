"""What is in the wheel, and what is not."""

from __future__ import annotations

import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("pyflow_cli", "pyflow_core", "pyflow_inspector", "pyflow_services", "pyflow_templates")


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_every_package_and_nothing_else(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(names: set[str], package: str) -> None:
    assert f"{package}/py.typed" in names


def test_it_holds_what_is_no_python(names: set[str]) -> None:
    assert any(name.endswith(".sql") for name in names)
    assert any(name.startswith("pyflow_templates/python/") and name.endswith(".jinja") for name in names)
    assert any(name.startswith("pyflow_templates/init/") for name in names)


def test_it_holds_the_license(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 1_000_000


def test_its_metadata_is_what_an_index_shows(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "# pyflow" in str(metadata.get_payload())
