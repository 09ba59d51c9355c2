"""The result of a step that ran in this process, on its way to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.engine.command import Event, StepCompleted, StepErrored

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

    @property
    def is_placed(self) -> bool:
        """Whether the result can be written."""
        output = self.result.output
        return self.draft is None or output.inline is not None or output.reference is not None

    def event(self) -> Event:
        """What the execution is told."""
        result = self.result
        if result.error is not None:
            return StepErrored(result.step_name, result.attempts, result.error, result.finished_at)
        return StepCompleted(result.step_name, result.output.inline, self.value, result.finished_at)
