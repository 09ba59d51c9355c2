"""State and queue in memory."""

from pyflow_services.memory.queue import MemoryQueueService
from pyflow_services.memory.state import MemoryStateService
from pyflow_services.memory.url import queue_from_url, state_from_url

__all__ = ["MemoryQueueService", "MemoryStateService", "queue_from_url", "state_from_url"]
