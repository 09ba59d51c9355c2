"""The contract of the state port."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from pyflow_core.testing.contracts.bench import ONE, TWO, StateBench
from pyflow_core.testing.contracts.scenario import ManualClock
from pyflow_core.testing.contracts.state_activation import ActivationContract
from pyflow_core.testing.contracts.state_cancel import CancelContract
from pyflow_core.testing.contracts.state_claim import ClaimContract
from pyflow_core.testing.contracts.state_event import EventContract
from pyflow_core.testing.contracts.state_lease import LeaseContract
from pyflow_core.testing.contracts.state_ledger import LedgerContract
from pyflow_core.testing.contracts.state_list import ListContract
from pyflow_core.testing.contracts.state_outbox import OutboxContract
from pyflow_core.testing.contracts.state_race import RaceContract
from pyflow_core.testing.contracts.state_redrive import RedriveContract
from pyflow_core.testing.contracts.state_run import RunContract
from pyflow_core.testing.contracts.state_step import StepContract
from pyflow_core.testing.contracts.state_value import ValueContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from pyflow_core.ports.state import WorkflowStateService


class StateServiceContract(
    RunContract,
    ValueContract,
    ActivationContract,
    ClaimContract,
    StepContract,
    LeaseContract,
    CancelContract,
    RedriveContract,
    ListContract,
    OutboxContract,
    EventContract,
    LedgerContract,
    RaceContract,
):
    """Every implementation of `WorkflowStateService` passes this. Override `make_service`, and `make_client`."""

    async def make_service(self, clock: Callable[[], float]) -> WorkflowStateService:
        """A service on a new, empty store that takes its time from `clock`; not opened yet."""
        raise NotImplementedError

    async def make_client(self, service: WorkflowStateService, clock: Callable[[], float]) -> WorkflowStateService:
        """Another service on the same store, as another process would have it; not opened yet.

        The default is the service itself, for stores that live in one object.
        """
        del clock
        return service

    @asynccontextmanager
    async def bench(self) -> AsyncGenerator[StateBench]:
        """Two open clients of a new store with a worker each."""
        clock = ManualClock()
        async with AsyncExitStack() as stack:
            store = await self.make_service(clock)
            stack.push_async_callback(store.close)
            await store.open()
            other = await self.make_client(store, clock)
            if other is not store:
                stack.push_async_callback(other.close)
                await other.open()
            bench = StateBench(store, other, clock)
            await bench.join(ONE, store)
            await bench.join(TWO, other)
            yield bench
