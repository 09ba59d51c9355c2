"""What follows from a failed attempt: another one after a delay, or the end of the step."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core.engine.error_record import error_info
from pyflow_core.errors import CodecError, ForbiddenInStepError, UsageError, WorkerLostError

if TYPE_CHECKING:
    from pyflow_core.errors import ErrorInfo
    from pyflow_core.options import StepPolicy

_NEVER_RETRIED = (CodecError, UsageError, ForbiddenInStepError, WorkerLostError)
"""Mistakes in the code or its set-up: the next attempt would fail alike."""


def failed_attempt(error: BaseException, policy: StepPolicy, attempts: int) -> tuple[ErrorInfo, float | None]:
    """The record of the error, and the seconds until the next attempt; None if the step has used up its tries."""
    info = error_info(error)
    if isinstance(error, _NEVER_RETRIED) or not info.retryable or attempts > policy.retries:
        return info, None
    return info, policy.backoff.delay(attempts)


def was_cancelled() -> bool:
    """Whether somebody cancelled the present task, rather than that a step raised `CancelledError` of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
