"""Findings about `[tool.pyflow]` point into `pyproject.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyflow_inspector import RULES, InspectorSettings, inspect_project
from pyflow_inspector.setting_place import setting_span

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = """\
[tool.other]
services = "not this"

[tool.pyflow]
name = "x"
  services   =  "app.services:create"  # the factory
"""


def _codes(root: Path, services: str) -> list[str]:
    (root / "app").mkdir(exist_ok=True)
    (root / "app/services.py").write_text(
        "from outside import made\nclass Kit:\n    @staticmethod\n    def make(): ...\ndef create(): ...\n",
        encoding="utf-8",
    )
    (root / "app/broken.py").write_text("def (", encoding="utf-8")
    settings = InspectorSettings(root=root, source=root, name="x", services=services)
    return [one.code for one in inspect_project(settings).diagnostics]


@pytest.mark.parametrize("services", ["app.services:create", "app.services:made", "app.services:Kit.make"])
def test_a_factory_that_exists_is_fine(tmp_path: Path, services: str) -> None:
    assert _codes(tmp_path, services) == []


@pytest.mark.parametrize(
    "services",
    [
        "",
        ":",
        "app.services",
        "app.services:",
        "app.services:creat",
        "app.service:create",
        "app.services:Kit.mak",
        "a b:c",
    ],
)
def test_a_factory_that_does_not_exist_is_reported(tmp_path: Path, services: str) -> None:
    assert _codes(tmp_path, services) == ["PF410"]


def test_a_factory_in_a_broken_module_is_reported_as_broken(tmp_path: Path) -> None:
    assert _codes(tmp_path, "app.broken:create") == ["PF901"]


def test_the_nearest_name_is_offered(tmp_path: Path) -> None:
    _codes(tmp_path, "app.services:create")
    found = inspect_project(
        InspectorSettings(root=tmp_path, source=tmp_path, name="x", services="app.services:crate")
    ).diagnostics
    assert (found[0].message, found[0].help) == ("module 'app.services' has no 'crate'", "did you mean 'create'?")


def test_a_setting_is_found_in_its_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    span = setting_span(tmp_path, "services")
    assert (span.file, span.line, span.column, span.end_column) == ("pyproject.toml", 6, 17, 38)
    assert PYPROJECT.splitlines()[5][16:37] == '"app.services:create"'
    assert setting_span(tmp_path, "absent").line == 1


def test_without_a_settings_file_the_finding_names_it_all_the_same(tmp_path: Path) -> None:
    assert setting_span(tmp_path, "services").file == "pyproject.toml"


def test_others_can_report_settings_by_the_same_rule(tmp_path: Path) -> None:
    from pyflow_inspector.rules.pf410_invalid_setting import InvalidSetting

    rule = RULES["PF410"]
    assert isinstance(rule, InvalidSetting)
    finding = rule.of(tmp_path, "servces", "there is no setting 'servces'", "did you mean 'services'?")
    assert (finding.code, finding.file, finding.severity) == ("PF410", "pyproject.toml", "error")
