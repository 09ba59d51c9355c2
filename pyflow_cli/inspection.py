"""From settings to what the inspector knows, with the severities that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_cli.settings import FILE
from pyflow_core.errors import SettingsError, UsageError
from pyflow_core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Diagnostic, Metadata
    from pyflow_inspector import Findings, InspectorSettings

CACHE_FOLDER = ".pyflow/cache/inspector"
"""Below the project's folder."""

_RANK = {"info": 0, "warning": 1, "error": 2, "never": 3}
STOPPING_FAMILIES = frozenset("12459")
"""Families of findings whose errors stop `generate`: names, forms, wiring, types, and pyflow's own."""


def inspect(settings: Settings) -> Metadata:
    """Read the project's source.

    Raises:
        UsageError: the source folder does not exist.
    """
    from pyflow_inspector import inspect_project

    return inspect_project(inspector_settings(settings))


def find(settings: Settings, *, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Findings:
    """Read the project's source for its findings only.

    Raises:
        UsageError: the source folder does not exist.
    """
    from pyflow_inspector import check_project

    return check_project(inspector_settings(settings, select=select, ignore=ignore))


def inspector_settings(
    settings: Settings, *, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> InspectorSettings:
    """What the inspector wants to know of the settings.

    Raises:
        UsageError: the source folder does not exist.
    """
    from pyflow_inspector import InspectorSettings

    _check_codes(settings)
    source = settings.root / settings.source
    if not source.is_dir():
        raise UsageError(f"the source folder {source} does not exist: set `source` in [tool.pyflow]")
    return InspectorSettings(
        root=settings.root,
        source=source,
        exclude=settings.exclude,
        package=settings.package,
        services=settings.services,
        step_services=settings.step_services,
        name=settings.name,
        select=select,
        ignore=ignore,
        rules=settings.rules,
        per_file_rules=settings.per_file_rules,
        cache=settings.root / CACHE_FOLDER,
    )


def _check_codes(settings: Settings) -> None:
    tables = {"rules": settings.rules}
    tables |= {f'per-file-rules."{glob}"': levels for glob, levels in settings.per_file_rules.items()}
    for key, levels in tables.items():
        for code in levels:
            if not is_code(code):
                near = did_you_mean(code, known_codes())
                raise SettingsError(
                    f"{settings.root / FILE}: [tool.pyflow] {key}: no finding has the code {code!r}{near}"
                )


def is_code(code: str) -> bool:
    """Whether a rule has this code, or is of this family."""
    return code.startswith("PF") and any(known.startswith(code) for known in known_codes())


def known_codes() -> Iterable[str]:
    """The codes of all rules."""
    from pyflow_inspector import RULES

    return RULES


def at_least(diagnostics: Iterable[Diagnostic], severity: str) -> list[Diagnostic]:
    """The findings of this severity or a graver one; none for `never`."""
    return [item for item in diagnostics if _RANK[item.severity] >= _RANK[severity]]


def stopping(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings with which nothing can be generated."""
    return [item for item in at_least(diagnostics, "error") if item.code[2:3] in STOPPING_FAMILIES]


def below(diagnostics: Iterable[Diagnostic], paths: Iterable[Path], root: Path) -> list[Diagnostic]:
    """The findings in these files and folders.

    Raises:
        UsageError: a path does not exist or lies outside the project.
    """
    prefixes: list[str] = []
    for path in paths:
        resolved = path.resolve()
        if not resolved.exists():
            raise UsageError(f"there is no file or folder {str(path)!r}")
        if not resolved.is_relative_to(root):
            raise UsageError(f"{str(path)!r} is not in the project {root}")
        prefixes.append(resolved.relative_to(root).as_posix())
    return [item for item in diagnostics if any(_is_below(item.file, prefix) for prefix in prefixes)]


def _is_below(file: str, prefix: str) -> bool:
    return prefix in (".", file) or file.startswith(f"{prefix}/")


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """How many there are of each severity, in words."""
    found = list(diagnostics)
    numbers = {level: sum(item.severity == level for item in found) for level in ("error", "warning", "info")}
    words = {"error": "error", "warning": "warning", "info": "note"}
    parts = [f"{number} {words[level]}{'' if number == 1 else 's'}" for level, number in numbers.items() if number]
    return ", ".join(parts)
