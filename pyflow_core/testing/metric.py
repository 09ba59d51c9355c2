"""Metrics that a test can look at."""

from __future__ import annotations

from collections import Counter

from typing_extensions import override

from pyflow_core.ports.metric import MetricService


class MemoryMetrics(MetricService):
    """Keeps what it is told: `counts` by name and labels, `values` likewise."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.values: dict[str, list[float]] = {}

    @override
    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self.counts[name] += amount
        if labels:
            self.counts[_labelled(name, labels)] += amount

    @override
    def observe(self, name: str, value: float, **labels: str) -> None:
        self.values.setdefault(name, []).append(value)
        if labels:
            self.values.setdefault(_labelled(name, labels), []).append(value)


def _labelled(name: str, labels: dict[str, str]) -> str:
    return f"{name}{{{','.join(f'{key}={labels[key]}' for key in sorted(labels))}}}"
