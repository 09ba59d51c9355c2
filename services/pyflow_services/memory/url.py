"""`memory://`: state, queue and payloads that live as long as the process, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.payload.url import StoreUrl
from pyflow_services.memory.payload import MemoryPayloadService
from pyflow_services.memory.queue import MemoryQueueService
from pyflow_services.memory.state import MemoryStateService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock


def state_from_url(url: str, root: Path | None, clock: Clock) -> MemoryStateService:
    """A state service of its own for each connection."""
    del url, root
    return MemoryStateService(clock=clock.time)


def queue_from_url(url: str, root: Path | None, clock: Clock) -> MemoryQueueService:
    """A queue service of its own for each connection."""
    del url, root
    return MemoryQueueService(clock=clock.time, sleep=clock.sleep)


def payloads_from_url(url: str, root: Path | None, clock: Clock) -> MemoryPayloadService:
    """A payload service of its own for each connection."""
    del root
    parsed = StoreUrl(url)
    name = parsed.name("memory")
    parsed.finish()
    return MemoryPayloadService(name, clock=clock.time)
