"""State, queue and payloads in memory."""

from pyflow_services.memory.payload import MemoryPayloadService
from pyflow_services.memory.queue import MemoryQueueService
from pyflow_services.memory.state import MemoryStateService
from pyflow_services.memory.url import payloads_from_url, queue_from_url, state_from_url

__all__ = [
    "MemoryPayloadService",
    "MemoryQueueService",
    "MemoryStateService",
    "payloads_from_url",
    "queue_from_url",
    "state_from_url",
]
