"""The metrics port on OpenTelemetry's API; what becomes of the measurements is set up by the application."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from pyflow_core.payload.extra import require
from pyflow_core.ports.metric import MetricService

_UNITS = {"_seconds": "s", "_bytes": "By"}


class OtelMetricService(MetricService):
    """Counters and histograms of a meter; by default that of the application's meter provider.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """

    def __init__(self, meter: Any = None) -> None:
        api = require("otel", "opentelemetry", "metrics", what="metrics through OpenTelemetry")
        self._meter = api.metrics.get_meter("pyflow") if meter is None else meter
        self._counters: dict[str, Any] = {}
        self._histograms: dict[str, Any] = {}

    @override
    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        counter = self._counters.get(name)
        if counter is None:
            counter = self._counters[name] = self._meter.create_counter(name)
        counter.add(amount, labels)

    @override
    def observe(self, name: str, value: float, **labels: str) -> None:
        histogram = self._histograms.get(name)
        if histogram is None:
            unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
            histogram = self._histograms[name] = self._meter.create_histogram(name, unit=unit)
        histogram.record(value, labels)
