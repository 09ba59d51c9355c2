"""From rules to findings: which are wanted, which are silenced on their line, and in which order they come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyflow_core.metadata import Span
from pyflow_inspector.ignoring import read_ignores
from pyflow_inspector.level import is_selected, is_wanted, severity_of
from pyflow_inspector.rules import RULES, IgnoreRule, ProjectRule
from pyflow_inspector.rules.pf903_rule_crashed import RuleCrashed
from pyflow_inspector.setting_place import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.ignoring import Ignores
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceFile
    from pyflow_inspector.unit import UnitReport

_INTERNAL = "PF9"


def find_diagnostics(
    linked: LinkedProject, units: Iterable[UnitReport], sources: Iterable[SourceFile]
) -> tuple[Diagnostic, ...]:
    """The findings of all rules, each once, by file, line, column and code."""
    found = {finding for unit in units for finding in unit.findings}
    for rule in RULES.values():
        if isinstance(rule, ProjectRule):
            found.update(_judge(rule, linked))
    ignores = read_ignores(sources)
    shown = [finding for finding in found if not ignores.silence(finding)]
    about_ignores = _about_ignores(linked.settings, ignores, everything_was_read=not _failed(found))
    shown += [finding for finding in about_ignores if not ignores.silence(finding)]
    return tuple(sorted(_graded(linked.settings, shown), key=_order))


def _judge(rule: ProjectRule, linked: LinkedProject) -> list[Diagnostic]:
    try:
        return list(rule.check_project(linked))
    except Exception as error:  # noqa: BLE001 - a mistake in one rule must not hide what the others find
        return [RuleCrashed().of(Span(SETTINGS_FILE, 1, 1, 1, 2), f"rule {rule.code}", error)]


def _failed(found: Iterable[Diagnostic]) -> bool:
    return any(finding.code.startswith(_INTERNAL) for finding in found)


def _about_ignores(settings: InspectorSettings, ignores: Ignores, *, everything_was_read: bool) -> list[Diagnostic]:
    """What rules say of the comments. None is called unused that something unread or unselected might have used."""
    rules = [rule for rule in RULES.values() if isinstance(rule, IgnoreRule)]
    own = {rule.code for rule in rules}
    unused = {
        ignore
        for ignore in ignores.all
        if everything_was_read
        and ignore.code in RULES
        and ignore.code not in own
        and not ignores.is_used(ignore)
        and is_wanted(settings, ignore.code, ignore.span.file)
    }
    found = [rule.judge(ignore, is_unused=ignore in unused) for rule in rules for ignore in ignores.all]
    return [finding for finding in found if finding is not None]


def _graded(settings: InspectorSettings, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Those that are wanted, each with the severity that the settings give it."""
    for finding in found:
        severity = severity_of(settings, finding.code, finding.file, finding.severity)
        if severity is not None and is_selected(settings, finding.code):
            yield finding if severity == finding.severity else replace(finding, severity=severity)


def _order(one: Diagnostic) -> tuple[str | int, ...]:
    return one.file, one.line, one.column, one.code, one.message, one.end_line, one.end_column, one.help or ""
