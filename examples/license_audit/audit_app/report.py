"""The summary of an audit, and the report for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit_app.category import Category
from audit_app.models import Summary

if TYPE_CHECKING:
    from audit_app.models import Audit, ReportRequest


def summarise(audits: list[Audit]) -> Summary:
    """Counts, and what somebody should look at."""
    flagged = [audit for audit in audits if audit.category is not Category.PERMISSIVE]
    flagged.sort(key=lambda audit: (-audit.category.severity, audit.name))
    counts = {category: sum(audit.category is category for audit in audits) for category in Category}
    return Summary(
        distributions=len(audits),
        files=sum(audit.files for audit in audits),
        bytes=sum(audit.bytes for audit in audits),
        by_category={category: count for category, count in counts.items() if count},
        flagged=[audit.name for audit in flagged],
        altered=sorted(audit.name for audit in audits if audit.altered),
    )


def render_markdown(request: ReportRequest) -> str:
    """The whole report."""
    summary = request.summary
    lines = ["# License audit", "", _opening(summary), "", "| category | distributions |", "| --- | ---: |"]
    lines += [f"| {category} | {count} |" for category, count in summary.by_category.items()]
    lines += ["", "## To look at", ""]
    by_name = {audit.name: audit for audit in request.audits}
    lines += [_flag(by_name[name]) for name in summary.flagged] or ["Nothing: every license is permissive."]
    lines += _differing([by_name[name] for name in summary.altered])
    if request.nameless:
        lines += ["", "Metadata without a readable name, left out: " + ", ".join(map(_plain, request.nameless)) + "."]
    lines += ["", "## Everything", "", "| distribution | version | license | category | read from | notes |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    lines += [_row(audit) for audit in request.audits]
    lines += ["", "This lists what the packages declare. It is no legal advice.", ""]
    return "\n".join(lines)


def _opening(summary: Summary) -> str:
    return (
        f"{summary.distributions} distributions, {summary.files:,} files and {summary.bytes / 1e6:,.1f} MB read; "
        f"{len(summary.flagged)} to look at."
    )


def _flag(audit: Audit) -> str:
    notes = f" ({'; '.join(map(_plain, audit.notes))})" if audit.notes else ""
    return f"* **{_plain(audit.name)}** {_plain(audit.version)}: {audit.category}, {_plain(audit.license)}{notes}"


def _differing(audits: list[Audit]) -> list[str]:
    if not audits:
        return []
    lines = ["", "## Not as it was installed", ""]
    for audit in audits:
        names = ", ".join(f"`{_plain(name)}`" for name in audit.altered[:5])
        more = f" and {len(audit.altered) - 5} more" if len(audit.altered) > 5 else ""
        lines.append(f"* **{_plain(audit.name)}**: {names}{more}")
    return lines


def _row(audit: Audit) -> str:
    cells = (audit.name, audit.version, audit.license, audit.category, audit.source, "; ".join(audit.notes))
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Text of others, which must neither break a table nor become markup."""
    flat = " ".join(str(text).split())
    for sign in "\\|<>`*_[]":
        flat = flat.replace(sign, "\\" + sign)
    return flat
