"""The types of a run's events, which every store writes alike, in the transaction of what they tell of."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """What `RunEvent.type` may be.

    `seq` is set where a number was taken, `step_name` and `attempt` on events of steps, `worker` where one acted.
    """

    RUN_CREATED = "run.created"
    RUN_CLAIMED = "run.claimed"
    RUN_PARKED = "run.parked"
    RUN_RELEASED = "run.released"
    """Its owner left."""
    RUN_TAKEN_OVER = "run.taken_over"
    """Its owner died; `worker` is the dead one."""
    RUN_CANCEL_REQUESTED = "run.cancel_requested"
    RUN_BLOCKED = "run.blocked"
    RUN_UNBLOCKED = "run.unblocked"
    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_REDRIVEN = "run.redriven"

    STEP_SCHEDULED = "step.scheduled"
    STEP_STARTED = "step.started"
    STEP_RETRIED = "step.retried"
    """An attempt failed and will be tried again; `detail` is the error."""
    STEP_RELEASED = "step.released"
    """Given back untried."""
    STEP_WORKER_LOST = "step.worker_lost"
    """Its worker died; `worker` is the dead one."""
    STEP_STOP_REQUESTED = "step.stop_requested"
    STEP_CANCELLED = "step.cancelled"
    STEP_COMPLETED = "step.completed"
    STEP_FAILED = "step.failed"
