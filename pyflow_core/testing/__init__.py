"""What tests of workflows need: fakes, and the real engine on memory in virtual time.

Nothing here needs pytest, but for `pyflow_core.testing.plugin` and the contract suites in
`pyflow_core.testing.contracts`.
"""

from __future__ import annotations

from pyflow_core.testing.clock import VirtualClock
from pyflow_core.testing.engine import BlockingEngine, Engine, NothingHappensError, engine
from pyflow_core.testing.fake import FakeRpc, FakeWorkflow, returns
from pyflow_core.testing.payload import FakePayloads

__all__ = [
    "BlockingEngine",
    "Engine",
    "FakePayloads",
    "FakeRpc",
    "FakeWorkflow",
    "NothingHappensError",
    "VirtualClock",
    "engine",
    "returns",
]
