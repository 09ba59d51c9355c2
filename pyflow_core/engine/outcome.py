"""The result of a step that ran in this process, on its way to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.clock import uptime
from pyflow_core.engine.command import Event, StepCompleted, StepErrored
from pyflow_core.payload.collection import COMMIT_SECONDS

if TYPE_CHECKING:
    from pyflow_core.payload.plane import Draft
    from pyflow_core.ports.state import StepClaim, StepResult


class Result(NamedTuple):
    """A local step's result that is not written yet. `value` is decoded from what will be."""

    result: StepResult
    value: Any
    claim: StepClaim | None
    draft: Draft | None = None
    """Of a value that does not simply stay inline: it is placed, and placed again if what it was stored as is gone."""
    stored_at: float = 0.0
    """The uptime at which it was placed."""

    @property
    def is_unplaced(self) -> bool:
        """Whether the value must be placed before the result is written.

        It never was; or so long ago that it may have been collected since, and even its tombstone forgotten.
        """
        if self.draft is None:
            return False
        output = self.result.output
        if output.reference is None:
            return output.inline is None
        return uptime() - self.stored_at > COMMIT_SECONDS

    def event(self) -> Event:
        """What the execution is told."""
        result = self.result
        if result.error is not None:
            return StepErrored(result.step_name, result.attempts, result.error, result.finished_at)
        return StepCompleted(result.step_name, result.output.inline, self.value, result.finished_at)
