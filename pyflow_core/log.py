"""Loggers and the events that pyflow itself logs. Events are constants, so that they can be searched for."""

from __future__ import annotations

import logging

from pyflow_core.secret import redacted

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
RENEWAL_FAILED = "renewal.failed"
NO_WORKER = "run.no_worker"


class _Redaction(logging.Filter):
    """Takes passwords out of URLs in what is logged: stores of third parties may put them into their errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        message = record.getMessage()
        clean = redacted(message)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info:
            record.exc_text = redacted(record.exc_text or logging.Formatter().formatException(record.exc_info))
        return True


_REDACTION = _Redaction()


def logger(name: str) -> logging.Logger:
    """The logger of this name. What it says of trouble is said without secrets."""
    found = logging.getLogger(name)
    if _REDACTION not in found.filters:
        found.addFilter(_REDACTION)
    return found
