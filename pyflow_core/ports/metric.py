"""The metrics port: counters and histograms, by constant names."""

from __future__ import annotations

from abc import ABC, abstractmethod

EVENT_RESULT_BYTES = "pyflow.event_result_bytes"
"""Histogram: bytes that a result adds to its row (inline value or reference, meta, context), by `kind`."""
CONTRACT_VIOLATIONS = "pyflow.payload.contract_violations"
"""Counter: values that did not fit the envelope, by `where`: refused by a state service at a `write`, or found in a row
at a `read`."""
PUT_SECONDS = "pyflow.payload.put_seconds"
"""Histogram: one put, by `store`."""
GET_SECONDS = "pyflow.payload.get_seconds"
"""Histogram: one get, by `store`; what the cache gives is not counted."""
PAYLOAD_ERRORS = "pyflow.payload.errors"
"""Counter: failed operations, by `store`, `operation` and the error's `code`."""
ORPHANS_FOUND = "pyflow.payload.orphans_found"
"""Counter: objects past their grace that no row needs, by `store`."""
ORPHANS_DELETED = "pyflow.payload.orphans_deleted"
"""Counter: those of them that were deleted, by `store`."""
PURGED_RUNS = "pyflow.payload.purged_runs"
"""Counter: runs past their retention whose payloads and rows were deleted."""
STATUS_PAYLOAD_LOADS = "pyflow.status.payload_loads"
"""Counter: payloads that were loaded for a status. It stays 0 in whatever answers for a status, which has no store to
load from; `pyflow status` itself fetches what it shows, up to a cap, and counts it."""
BUDGET_OVERRUNS = "pyflow.payload.budget_overruns"
"""Counter: values that went by reference because their run had used up its inline budget."""


class MetricService(ABC):
    """Takes measurements. It must be quick, must not block, and must not raise."""

    @abstractmethod
    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add to a counter."""

    @abstractmethod
    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value into a histogram. Durations are seconds, sizes bytes."""


class NoMetrics(MetricService):
    """Measures nothing."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Nothing."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Nothing."""


NO_METRICS = NoMetrics()
