"""A generated package as text, without the cache, and what its files hold beside names and texts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_cli.codegen.package import plan_package
from pyflow_cli.codegen.plan import Sections

if TYPE_CHECKING:
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata


def render_package(metadata: Metadata, settings: Settings, *, docs: bool) -> dict[str, str]:
    """Every file by its path in the package."""
    plans = plan_package(metadata, settings, Sections(), {}, docs=docs)
    return {path: plan.render() for path, plan in plans.items()}


def render_python(metadata: Metadata, settings: Settings) -> dict[str, str]:
    """Every Python file of the package, by its name."""
    files = render_package(metadata, settings, docs=False)
    return {path: text for path, text in files.items() if path.endswith(".py")}


def outline(text: str) -> list[str]:
    """Every statement and every call of a file, without names and texts."""
    return [type(node).__name__ for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt | ast.Call)]
