"""The RPCs: what the steps of the audit do. Plain functions run in threads of the worker."""

from __future__ import annotations

from pyflow_core import Step, wire_rpc

from audit_app.classify import classify
from audit_app.distribution import find_installed, measure, open_distribution, read_declared
from audit_app.models import Audit, InstalledDistribution, Inventory, Report, ReportRequest
from audit_app.report import render_markdown
from audit_app.services import Ledger, Reports


@wire_rpc("distributions.list")
def list_distributions(*, step: Step, ledger: Ledger) -> Inventory:
    """Everything that is installed beside this program."""
    found, nameless = find_installed()
    ledger.note(step)
    distributions = [InstalledDistribution(name=item.name, version=item.version) for item in found]
    return Inventory(distributions=distributions, nameless=nameless)


@wire_rpc("distributions.audit", retries=2)
def audit_distribution(data: InstalledDistribution, *, step: Step, ledger: Ledger) -> Audit:
    """Read a distribution whole, compare its files with their hashes, and classify its license."""
    distribution = open_distribution(data.name)
    measured = measure(distribution, step.cancelled)
    verdict = classify(read_declared(distribution, measured.headers))
    ledger.note(step)
    return Audit(
        name=data.name,
        version=data.version,
        license=verdict.license,
        category=verdict.category,
        source=verdict.source,
        notes=verdict.notes,
        files=measured.files,
        bytes=measured.bytes,
        sha256=measured.sha256,
        missing=measured.missing,
        altered=measured.altered,
    )


@wire_rpc("report.write", retries=2)
def write_report(data: ReportRequest, *, step: Step, ledger: Ledger, reports: Reports) -> Report:
    """Write the report twice: Markdown for people, JSON for programs."""
    files = {"report.md": render_markdown(data), "report.json": data.model_dump_json(indent=2)}
    markdown, json_file = reports.write(data.folder, files)
    ledger.note(step)
    return Report(markdown=markdown, json_file=json_file)
