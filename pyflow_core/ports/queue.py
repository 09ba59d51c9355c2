"""The queue port: brings jobs to workers. A queue is a hint; the state is the truth.

Only for queues outside the state store. Where both share a store, the row of a step is its job, and there is no
queue service at all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence

from pyflow_core.ports.state import Job

JobHandler = Callable[[Job], Awaitable[None]]


class QueueService(ABC):
    """Delivers each job at least once, to one consumer at a time, possibly late and out of order.

    Duplicates are harmless, because a claim has one winner; a job that is lost is offered again by the relay.
    """

    @abstractmethod
    async def open(self) -> None:
        """Connect.

        Raises:
            StoreUnavailableError: the server cannot be reached.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; safe to call twice."""

    @abstractmethod
    async def enqueue(self, jobs: Sequence[Job]) -> None:
        """Put jobs on their queues. Each gets a fresh id, so that none is dropped as a duplicate.

        Raises:
            StoreUnavailableError: some may be on their queues, others not; all are to be offered again.
        """

    @abstractmethod
    async def serve(self, queues: Mapping[str, int], handle: JobHandler) -> None:
        """Call `handle` for the jobs of these queues, at most so many of each at once, until cancelled.

        On cancellation no further job is taken, and those in hand are awaited.
        """
