"""The memory store keeps the contract of the state port."""

from collections.abc import Callable

from pyflow_services.memory import MemoryStateService

from pyflow_core.ports.state import WorkflowStateService
from pyflow_core.testing.contracts.state import StateServiceContract


class TestMemoryState(StateServiceContract):
    async def make_service(self, clock: Callable[[], float]) -> WorkflowStateService:
        return MemoryStateService(clock=clock)
