"""The result of a step that ran in this process, on its way to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pyflow_core.ports.state import StepClaim, StepResult


class Result(NamedTuple):
    """A local step's result that is not written yet. `value` is decoded from the text that will be."""

    result: StepResult
    value: Any
    claim: StepClaim | None
