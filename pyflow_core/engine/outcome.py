"""The result of a step that ran in this process, on its way to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.engine.command import Event, StepCompleted, StepErrored

if TYPE_CHECKING:
    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.draft import Draft
    from pyflow_core.ports.state import StepClaim, StepResult


class Result(NamedTuple):
    """A local step's result that is not written yet. `value` is decoded from what will be.

    Of a value that does not simply stay inline there is a `draft`, until it is decided where it goes, and then a
    `deposit`.
    """

    result: StepResult
    value: Any
    claim: StepClaim | None
    draft: Draft | None = None
    deposit: Deposit | None = None

    def placed(self) -> Result:
        """The result as its deposit is now."""
        deposit = self.deposit
        if deposit is None:
            return self
        return self._replace(result=self.result._replace(output=deposit.envelope), value=deposit.fresh)

    def event(self) -> Event:
        """What the execution is told."""
        result = self.result
        if result.error is not None:
            return StepErrored(result.step_name, result.attempts, result.error, result.finished_at)
        return StepCompleted(result.step_name, result.output.inline, self.value, result.finished_at)
