"""What the parts of the engine need of the worker that they work for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyflow_core.clock import Clock
    from pyflow_core.engine.driver import RunDriver
    from pyflow_core.engine.outcome import Result
    from pyflow_core.engine.runtime import Runtime
    from pyflow_core.ports.state import Activation, StepClaim, WorkflowStateService


class Host(Protocol):
    """What a driver needs of its worker."""

    state: WorkflowStateService
    runtime: Runtime
    clock: Clock
    worker_id: str
    fused: bool
    replays: bool

    def take_slot(self, queue: str) -> bool:
        """Reserve a slot of this process for a step of this queue, if one is free and steps may be born claimed."""
        ...

    def release_slot(self, queue: str) -> None:
        """Give a slot back that was not used."""
        ...

    def start_step(self, claim: StepClaim) -> None:
        """Run a claimed step; its result comes to the driver's `offer`, if the run is still driven here."""
        ...

    def stop_step(self, run_id: str, step_name: str) -> None:
        """Ask a step that runs in this process to stop."""
        ...

    def may_hold(self, queues: set[str]) -> bool:
        """Whether to keep a run whose steps wait in these queues, because this process will soon run one of them."""
        ...

    def code_hash(self, workflow: str) -> str:
        """The hash of the code of a workflow in this process."""
        ...

    def run_written(self, driver: RunDriver, activation: Activation) -> None:
        """A turn was committed."""
        ...

    def finish_elsewhere(self, result: Result) -> None:
        """Write a step's result on its own, because its run is no longer driven here."""
        ...


class PoolHost(Protocol):
    """What the pool needs of its worker."""

    state: WorkflowStateService
    runtime: Runtime
    clock: Clock
    worker_id: str

    def driver(self, run_id: str) -> RunDriver | None:
        """The driver of a run that this worker drives now."""
        ...

    def code_hash(self, workflow: str) -> str:
        """The hash of the code of a workflow in this process."""
        ...

    def slot_freed(self) -> None:
        """A step has ended here."""
        ...

    async def step_written(self, claim: StepClaim, run_owner: str | None) -> None:
        """A step's result was written on its own."""
        ...

    async def step_pending(self, claim: StepClaim, due_at: float) -> None:
        """A step is pending again, for another attempt."""
        ...
