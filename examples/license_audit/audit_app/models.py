"""What the steps are given and give back."""

from __future__ import annotations

from pydantic import BaseModel

from audit_app.category import Category


class AuditInput(BaseModel):
    """`folder` is where the report goes; a relative one counts from the project."""

    folder: str = "license_audit_report"


class InstalledDistribution(BaseModel):
    name: str
    version: str


class Inventory(BaseModel):
    distributions: list[InstalledDistribution]
    nameless: list[str]
    """Metadata folders without a readable name."""


class Audit(BaseModel):
    """The audit of one distribution. `bytes` were read and hashed into `sha256`."""

    name: str
    version: str
    license: str
    category: Category
    source: str
    notes: list[str]
    files: int
    bytes: int
    sha256: str
    missing: int
    altered: list[str]


class Summary(BaseModel):
    distributions: int
    files: int
    bytes: int
    by_category: dict[Category, int]
    flagged: list[str]
    """Names whose license is copyleft, restricted or unknown, the gravest first."""
    altered: list[str]
    """Names of which a file is not as it was installed."""


class ReportRequest(BaseModel):
    folder: str
    summary: Summary
    audits: list[Audit]
    nameless: list[str]


class Report(BaseModel):
    """Where the report lies."""

    markdown: str
    json_file: str


class AuditOutput(BaseModel):
    summary: Summary
    report: Report
