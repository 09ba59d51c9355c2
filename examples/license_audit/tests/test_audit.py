from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyflow_core.testing import FakeWorkflow, returns

from audit_app.category import Category
from audit_app.distribution import find_installed
from audit_app.functions import audit_distribution, list_distributions
from audit_app.models import Audit, AuditInput, AuditOutput, InstalledDistribution, Inventory, Report
from audit_app.pyflow_gen import connect, workflows
from audit_app.services import Ledger, Reports, Services
from audit_app.workflows import license_audit

if TYPE_CHECKING:
    import pytest

INVENTORY = Inventory(
    distributions=[InstalledDistribution(name="frob", version="1"), InstalledDistribution(name="nicator", version="2")],
    nameless=[],
)


def fake_audit(data: InstalledDistribution) -> Audit:
    return Audit(
        name=data.name,
        version=data.version,
        license="MIT",
        category=Category.PERMISSIVE,
        source="classifier",
        notes=[],
        files=1,
        bytes=10,
        sha256="",
        missing=0,
        altered=[],
    )


def test_each_distribution_has_a_step_of_its_own() -> None:
    workflow = FakeWorkflow(
        {
            "distributions.list": returns(INVENTORY),
            "distributions.audit": fake_audit,
            "report.write": returns(Report(markdown="r.md", json_file="r.json")),
        }
    )
    output = asyncio.run(license_audit(AuditInput(), workflow=workflow, logger=logging.getLogger()))
    assert [step for step, _, _ in workflow.calls] == [
        "list",
        "audit-frob",
        "audit-nicator",
        "summarise",
        "writeReport",
    ]
    assert output.summary.distributions == 2


def test_the_engine_audits_this_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of the distributions, lest the test reads everything that is installed here."""
    some = {"pydantic", "jinja2", "typing-extensions"}
    found = [item for item in find_installed()[0] if item.name in some]
    monkeypatch.setattr("audit_app.functions.find_installed", returns((found, [])))
    ledger = tmp_path / "ledger.jsonl"
    services = Services(ledger=Ledger(ledger), reports=Reports(tmp_path))

    async def scenario() -> AuditOutput:
        async with connect(state="memory://", services=services, worker=True):
            return await workflows.license_audit.run(AuditInput(folder="report"), timeout=60)

    output = asyncio.run(scenario())
    assert output.summary.distributions == len(some)
    assert output.summary.by_category == {Category.PERMISSIVE: len(some)}
    steps = sorted(json.loads(line)["step"] for line in ledger.read_text().splitlines())
    assert steps == ["audit-jinja2", "audit-pydantic", "audit-typing-extensions", "list", "writeReport"]
    report = json.loads(Path(output.report.json_file).read_text())
    assert [audit["name"] for audit in report["audits"]] == sorted(some)
    assert Path(output.report.markdown).read_text().startswith("# License audit")


def test_rpcs_are_functions() -> None:
    from pyflow_core import Step

    step = Step(idempotency_key="key")
    inventory = list_distributions(step=step, ledger=Ledger(None))
    one = next(item for item in inventory.distributions if item.name == "typing-extensions")
    audit = audit_distribution(one, step=step, ledger=Ledger(None))
    assert (audit.license, audit.category, audit.missing) == ("PSF-2.0", Category.PERMISSIVE, 0)
    assert audit.bytes > 10_000
