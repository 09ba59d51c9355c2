"""The project's own packages and what their source imports, read without importing it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = {
    "pyflow_core": ROOT / "pyflow_core",
    "pyflow_inspector": ROOT / "pyflow_inspector",
    "pyflow_cli": ROOT / "pyflow_cli",
    "pyflow_services": ROOT / "services" / "pyflow_services",
    "pyflow_templates": ROOT / "templates" / "pyflow_templates",
}


@dataclass(frozen=True)
class Module:
    """One file: its import name, and its parsed text."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def where(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every absolute import, those for type checkers included, with its line.

        `from package import name` counts as `package.name`, which may be a module.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def read_modules(folder: Path, name: str) -> list[Module]:
    modules: list[Module] = []
    for path in sorted(folder.rglob("*.py")):
        parts = [name, *path.relative_to(folder).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        modules.append(Module(".".join(parts), path, ast.parse(path.read_text(encoding="utf-8"))))
    return modules


def own_modules() -> list[Module]:
    return [module for name, folder in PACKAGES.items() for module in read_modules(folder, name)]


def is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
