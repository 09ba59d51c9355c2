"""From rules to findings: which are wanted, which are silenced on their line, and in which order they come."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from pyflow_inspector.rules import RULES

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.settings import InspectorSettings

_IGNORE = re.compile(r"#\s*pyflow:\s*ignore\[([A-Z0-9,\s]*)\]")


def find_diagnostics(model: ProjectModel) -> tuple[Diagnostic, ...]:
    """The findings of all rules, each once, by file, line, column and code."""
    settings = model.project.settings
    silenced = _silenced(model)
    found = {finding for rule in RULES.values() for finding in rule.check(model)}
    wanted = [one for one in found if _is_selected(settings, one.code) and not _is_silenced(one, silenced)]
    return tuple(sorted(wanted, key=_order))


def _order(one: Diagnostic) -> tuple[str | int, ...]:
    return one.file, one.line, one.column, one.code, one.message, one.end_line, one.end_column, one.help or ""


def _is_selected(settings: InspectorSettings, code: str) -> bool:
    if code.startswith(settings.ignore):
        return False
    return not settings.select or code.startswith(settings.select)


def _is_silenced(finding: Diagnostic, silenced: dict[tuple[str, int], set[str]]) -> bool:
    lines = {finding.line, finding.end_line}
    return any(finding.code in silenced.get((finding.file, line), ()) for line in lines)


def _silenced(model: ProjectModel) -> dict[tuple[str, int], set[str]]:
    """The codes in `# pyflow: ignore[…]` comments, by file and line."""
    found: dict[tuple[str, int], set[str]] = {}
    for source in model.project.sources.values():
        module = model.project.parsed(source.module)
        if module is None or b"ignore[" not in source.data:
            continue
        for line, codes in ignore_comments("\n".join(module.syntax.lines)):
            found.setdefault((source.file, line), set()).update(codes)
    return found


def ignore_comments(text: str) -> list[tuple[int, list[str]]]:
    """The line and the codes of every `# pyflow: ignore[…]`; the same text inside a string is none."""
    found: list[tuple[int, list[str]]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match = _IGNORE.search(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            found.append((token.start[0], [code.strip() for code in match[1].split(",")]))
    return found
