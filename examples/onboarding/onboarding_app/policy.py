"""What surrounds the workflow: who may start it, and what is written down about every run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core import Call, Proceed

log = logging.getLogger("onboarding.audit")

BLOCKED_DOMAINS = frozenset({"spam.example"})


def may_sign_up(call: Call) -> bool:
    """A permission: it runs where `start` is called, before there is a run."""
    return str(call.data.email).rpartition("@")[2] not in BLOCKED_DOMAINS


async def audit(call: Call, proceed: Proceed) -> object:
    """A middleware around the workflow is workflow code: what it does once, it does in a step under its own prefix."""
    await call.workflow.do("audit-begin", lambda: log.info("run %s begins for %s", call.run_id, call.actor))
    return await proceed()
