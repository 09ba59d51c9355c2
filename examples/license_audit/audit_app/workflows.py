"""The audit as a workflow: one step to list, one for each distribution, one to write the report."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import Logger, WorkflowDocs, wire_workflow

from audit_app.models import AuditInput, AuditOutput, ReportRequest, Summary
from audit_app.report import summarise

if TYPE_CHECKING:
    from audit_app.pyflow_gen.license_audit import Workflow


@wire_workflow(
    "license-audit",
    description="Audits the license of every installed Python distribution",
    tags=["audit"],
    docs=WorkflowDocs(
        summary="License audit",
        description="Reads every installed distribution, classifies its license, and writes a report.",
        tags=["audit"],
    ),
)
async def license_audit(data: AuditInput, *, workflow: Workflow, logger: Logger) -> AuditOutput:
    inventory = await workflow.do("list", "distributions.list", description="List what is installed")
    logger.info("auditing %s distributions", len(inventory.distributions))
    audits = await asyncio.gather(
        *(
            workflow.do(
                f"audit-{item.name}",
                "distributions.audit",
                item,
                description=f"Audit {item.name} {item.version}",
            )
            for item in inventory.distributions
        )
    )
    summary = await workflow.do(
        "summarise",
        lambda: summarise(audits),
        returns=Summary,
        description="Count what needs a look",
    )
    report = await workflow.do(
        "writeReport",
        "report.write",
        ReportRequest(folder=data.folder, summary=summary, audits=audits, nameless=inventory.nameless),
        description="Write the report",
    )
    return AuditOutput(summary=summary, report=report)
