"""The result of a step that ran in this process, on its way to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.engine.command import Event, StepCompleted, StepErrored

if TYPE_CHECKING:
    from pyflow_core.ports.state import StepClaim, StepResult


class Result(NamedTuple):
    """A local step's result that is not written yet. `value` is decoded from the text that will be."""

    result: StepResult
    value: Any
    claim: StepClaim | None

    def event(self) -> Event:
        """What the execution is told."""
        result = self.result
        if result.error is not None:
            return StepErrored(result.step_name, result.attempts, result.error, result.finished_at)
        return StepCompleted(result.step_name, result.output.inline, self.value, result.finished_at)
