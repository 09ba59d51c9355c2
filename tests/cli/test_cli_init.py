from __future__ import annotations

import ast
import json
import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Pyflow


def test_a_starter_is_written_and_generates(pyflow: Pyflow, tmp_path: Path) -> None:
    made = pyflow("init", "my-shop")
    assert (made.code, made.out) == (0, "")
    root = tmp_path / "my-shop"
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pyflow"]
    assert settings == {"package": "my_shop.pyflow_gen", "services": "my_shop.services:create_services"}
    assert ".pyflow/" in (root / ".gitignore").read_text().split()
    for path in root.rglob("*.py"):
        ast.parse(path.read_text())
    generated = pyflow("generate", "--project", root)
    assert (generated.code, generated.err) == (0, "my_shop/pyflow_gen: wrote 13, removed 0\n")
    assert pyflow("check", "--project", root, "--fail-on", "info").code == 0
    assert pyflow("generate", "--check", "--project", root).code == 0


def test_the_next_commands_are_said(pyflow: Pyflow) -> None:
    assert pyflow("init", "shop").err.splitlines()[1:] == ["  cd shop", "  pyflow generate", "  pyflow dev"]


def test_the_readme_names_commands_that_exist(pyflow: Pyflow, tmp_path: Path) -> None:
    pyflow("init", "shop")
    readme = (tmp_path / "shop" / "README.md").read_text()
    assert "pyflow generate --check" in readme


def test_in_the_folder_itself_its_name_is_the_packages(
    pyflow: Pyflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Depot 2.0").mkdir()
    monkeypatch.chdir(tmp_path / "Depot 2.0")
    assert pyflow("init").code == 0
    assert (tmp_path / "Depot 2.0" / "depot_2_0" / "workflows.py").is_file()


def test_what_was_written_is_data(pyflow: Pyflow) -> None:
    document = json.loads(pyflow("init", "shop", "--json").out)
    assert document["package"] == "shop"
    assert "shop/workflows.py" in document["written"]


def test_nothing_is_overwritten_without_force(pyflow: Pyflow, tmp_path: Path) -> None:
    mine = tmp_path / "shop" / "README.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    refused = pyflow("init", "shop")
    assert refused.code == 2
    assert "holds README.md already" in refused.err
    assert mine.read_text() == "mine"
    assert not (tmp_path / "shop" / "pyproject.toml").exists()
    assert pyflow("init", "shop", "--force").code == 0
    assert mine.read_text() != "mine"


@pytest.mark.parametrize(
    "name",
    ["class", "match", "1shop", "Über", "a;b", "x" * 100, "json", "pyflow_core", "tests", "a'b", "$(id)", "-", "..."],
)
def test_a_folder_whose_name_is_none_for_a_package_is_refused(pyflow: Pyflow, tmp_path: Path, name: str) -> None:
    refused = pyflow("init", "--", name)
    assert (refused.code, refused.err.splitlines()[1]) == (2, "help: say another: --name shop")
    assert list(tmp_path.iterdir()) == []
    assert pyflow("init", "--name", "shop", "--", name).code == 0


@pytest.mark.parametrize("name", ["", "A", "a b", 'a"\nimport os', "a.b", "_a", "os", "{{ x }}"])
def test_a_name_that_is_none_is_refused(pyflow: Pyflow, tmp_path: Path, name: str) -> None:
    assert pyflow("init", "shop", "--name", name).code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["", "a\nb", "a\x1b[31m", "a\x7f"])
def test_a_folder_that_cannot_be_is_refused(pyflow: Pyflow, folder: str) -> None:
    refused = pyflow("init", folder)
    assert refused.code == 2
    assert refused.err.count("\n") == 1


def test_a_file_in_the_way_is_refused(pyflow: Pyflow, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("")
    assert "is a file" in pyflow("init", "shop").err
    (tmp_path / "depot" / "README.md").mkdir(parents=True)
    assert "is a folder, where a file is to be written" in pyflow("init", "depot", "--force").err
