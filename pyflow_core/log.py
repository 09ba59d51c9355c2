"""Loggers and the events that pyflow itself logs. Events are constants, so that they can be searched for."""

from __future__ import annotations

import logging

STEP_INPUT_CHANGED = "step.input_changed"
STEP_LATE = "step.asked_after_end"
STEP_UNAWAITED = "step.never_awaited"
BRANCH_FAILED = "run.branch_failed"
STEP_RETRY = "step.retry"
STEP_FAILED = "step.failed"
RUN_BLOCKED = "run.blocked"
RUN_RELOADED = "run.reloaded"
RUN_LEAKED = "run.tasks_would_not_end"
LEASE_LOST = "worker.lease_lost"
WORKERS_REAPED = "worker.reaped"
DRAIN_SLOW = "run.drain_slow"
STORE_TROUBLE = "store.trouble"
PAYLOADS_UNAVAILABLE = "payload.store_unavailable"
RUNS_PURGED = "retention.runs_purged"
PURGE_FAILED = "retention.purge_failed"
NO_WORKER = "run.no_worker"


def logger(name: str) -> logging.Logger:
    """The logger of this name."""
    return logging.getLogger(name)
