"""The files of a new project."""

from __future__ import annotations

import keyword
import re
import sys
from typing import TYPE_CHECKING

from pyflow_cli.codegen.template import make_environment
from pyflow_core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OURS = frozenset({"pyflow_cli", "pyflow_core", "pyflow_inspector", "pyflow_services", "pyflow_templates"})
_MISLEADING = frozenset({"test", "tests", "pyflow_gen", "pydantic", "pytest"})
_PACKAGE_FOLDER = "package/"


def package_name(folder: Path, given: str | None) -> str:
    """The import name of a project in this folder, or the one that was asked for.

    Raises:
        UsageError: it is no name for a package, or the name of another one.
    """
    name = given if given is not None else re.sub(r"[-. ]+", "_", folder.name.lower())
    if len(name) > 64 or _NAME.fullmatch(name) is None or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise _refused(name if given is not None else folder.name, "is no name for a package", derived=given is None)
    if name in sys.stdlib_module_names or name in _OURS or name in _MISLEADING:
        raise _refused(name, "is the name of another package", derived=given is None)
    return name


def _refused(name: str, why: str, *, derived: bool) -> UsageError:
    error = UsageError(f"{name!r} {why}")
    error.add_note("say another: --name shop" if derived else "a package is named like shop or my_shop")
    return error


def render_starter(package: str) -> dict[str, str]:
    """Every file by its path in the new project; `package` is a checked name."""
    environment = make_environment("init", str, {})
    context = {"package": package, "distribution": package.replace("_", "-")}
    files: dict[str, str] = {}
    for template in environment.list_templates(extensions=["jinja"]):
        path = template.removesuffix(".jinja")
        if path.startswith(_PACKAGE_FOLDER):
            path = f"{package}/{path.removeprefix(_PACKAGE_FOLDER)}"
        files[path] = environment.get_template(template).render(context)
    return files
