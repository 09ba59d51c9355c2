"""What is public is said to be public, exists, and says what it is."""

from __future__ import annotations

import ast
import importlib
from types import ModuleType

import pytest
from source_tree import PACKAGES, Module, own_modules

MODULES = own_modules()

PUBLIC_PACKAGES = ("pyflow_core", "pyflow_core.testing", "pyflow_inspector")


def declares_all(module: Module) -> bool:
    return any(
        isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        for node in module.tree.body
    )


@pytest.mark.parametrize("module", [m.name for m in MODULES if declares_all(m)])
def test_every_name_in_all_exists(module: str) -> None:
    imported = importlib.import_module(module)
    assert [name for name in imported.__all__ if not hasattr(imported, name)] == []
    assert len(set(imported.__all__)) == len(imported.__all__)


@pytest.mark.parametrize("package", PUBLIC_PACKAGES)
def test_all_equals_reality(package: str) -> None:
    imported = importlib.import_module(package)
    assert all(hasattr(imported, name) for name in imported.__all__)  # some are imported on their first use
    mine = {name for name, value in vars(imported).items() if not isinstance(value, ModuleType)}
    public = {name for name in mine - {"annotations", "TYPE_CHECKING"} if not name.startswith("_")}
    assert set(imported.__all__) == public


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_module_says_what_it_is(module: Module) -> None:
    docstring = ast.get_docstring(module.tree)
    assert docstring or not module.tree.body, f"{module.where} has no docstring"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").is_file()
