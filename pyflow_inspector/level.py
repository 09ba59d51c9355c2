"""Which findings are wanted, and how grave they are, as the settings and the command line say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.glob import path_matches

if TYPE_CHECKING:
    from pyflow_core.metadata import Severity
    from pyflow_inspector.settings import InspectorSettings

_SEVERITIES: dict[str, Severity] = {"error": "error", "warning": "warning", "info": "info"}


def is_selected(settings: InspectorSettings, code: str) -> bool:
    """Whether `select` and `ignore` let a code through."""
    if code.startswith(settings.ignore):
        return False
    return not settings.select or code.startswith(settings.select)


def severity_of(settings: InspectorSettings, code: str, file: str, default: Severity) -> Severity | None:
    """The severity that the most telling entry gives, nothing for `"off"`.

    The file's entry before the project's, that of a later glob before that of an earlier one, a code before its family.
    """
    tables = [table for glob, table in settings.per_file_rules.items() if path_matches(glob, file)]
    for table in (*reversed(tables), settings.rules):
        matching = [known for known in table if code.startswith(known)]
        if matching:
            return _SEVERITIES.get(table[max(matching, key=len)])
    return default


def is_wanted(settings: InspectorSettings, code: str, file: str) -> bool:
    """Whether findings of a code in a file are shown at all."""
    return is_selected(settings, code) and severity_of(settings, code, file, "info") is not None
