"""PF413: shared package name."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, ProjectRule
from pyflow_inspector.setting_place import SETTINGS_FILE, setting_span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.linked import LinkedProject

_SHARED = "pyflow_gen"


class SharedPackageName(ProjectRule):
    """A project that is built into a wheel has its generated package at the top level, under the name that all have.

    Two installed wheels that both hold `pyflow_gen` overwrite each other's files, and one of them then talks to the
    workflows of the other. Put the generated package into the project's own: `package = "shop.pyflow_gen"`.

    Only projects with a `[build-system]` are built into wheels.
    """

    code = "PF413"
    name = "shared-package-name"
    severity = "info"
    valid = (
        Example(
            """
            # file: pyproject.toml
            [project]
            name = "shop"

            [tool.pyflow]
            package = "pyflow_gen"
            """
        ),
        Example(
            """
            # file: pyproject.toml
            [build-system]
            requires = ["hatchling"]

            [tool.pyflow]
            package = "shop.pyflow_gen"
            """,
            package="shop.pyflow_gen",
        ),
    )
    invalid = (
        Example(
            """
            # file: app/flows.py
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str) -> None: ...

            # file: pyproject.toml
            [build-system]
            requires = ["hatchling"]

            [tool.pyflow]
            package = "pyflow_gen"
            """,
            marks=('"pyflow_gen"',),
        ),
        Example(
            """
            # file: app/flows.py
            from pyflow_core import wire_rpc

            @wire_rpc("orders.pack")
            async def pack(data: str) -> None: ...

            # file: pyproject.toml
            [build-system]
            requires = ["hatchling"]
            """,
            marks=("[",),
        ),
    )

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """The setting `package` of a project that wires something."""
        settings = linked.settings
        if linked.wirings and settings.package == _SHARED and _is_built(settings.root):
            yield self.at(
                setting_span(settings.root, "package"),
                f"the generated package is called {_SHARED!r}, as that of every other project",
                f'put it into the project\'s own package: package = "<package>.{_SHARED}"',
            )


def _is_built(root: Path) -> bool:
    try:
        document = tomllib.loads((root / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "build-system" in document
