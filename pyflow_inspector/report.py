"""From rules to findings: which are wanted, which are silenced on their line, and in which order they come."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from pyflow_inspector.rules import RULES, ProjectRule
from pyflow_inspector.source_text import SyntaxFault, decode_source, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceFile
    from pyflow_inspector.unit import UnitReport

_IGNORE = re.compile(r"#\s*pyflow:\s*ignore\[([A-Z0-9,\s]*)\]")


def find_diagnostics(
    linked: LinkedProject, units: Iterable[UnitReport], sources: Iterable[SourceFile]
) -> tuple[Diagnostic, ...]:
    """The findings of all rules, each once, by file, line, column and code."""
    settings = linked.settings
    silenced = _silenced(sources)
    found = {finding for unit in units for finding in unit.findings}
    for rule in RULES.values():
        if isinstance(rule, ProjectRule):
            found.update(rule.check_project(linked))
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


def _silenced(sources: Iterable[SourceFile]) -> dict[tuple[str, int], set[str]]:
    """The codes in `# pyflow: ignore[…]` comments, by file and line."""
    found: dict[tuple[str, int], set[str]] = {}
    for source in sources:
        if b"ignore[" in source.data:
            for line, codes in _comments(source):
                found.setdefault((source.file, line), set()).update(codes)
    return found


def _comments(source: SourceFile) -> list[tuple[int, list[str]]]:
    """Those of one file; none if it cannot be read."""
    try:
        return ignore_comments("\n".join(split_lines(decode_source(source.file, source.data))))
    except (SyntaxFault, SyntaxError, tokenize.TokenError):
        return []


def ignore_comments(text: str) -> list[tuple[int, list[str]]]:
    """The line and the codes of every `# pyflow: ignore[…]`; the same text inside a string is none."""
    found: list[tuple[int, list[str]]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match = _IGNORE.search(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            found.append((token.start[0], [code.strip() for code in match[1].split(",")]))
    return found
