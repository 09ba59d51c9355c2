"""What is measured, and how it reaches OpenTelemetry."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from pyflow_services.memory import MemoryPayloadService
from pyflow_services.otel import OtelMetricService

from pyflow_core.codec import codec_for
from pyflow_core.errors import MissingExtraError, PayloadMissingError
from pyflow_core.payload.deposit import decide
from pyflow_core.payload.draft import draft_value
from pyflow_core.payload.key import OUTPUT
from pyflow_core.payload.plane import DataPlane
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.ports.metric import NO_METRICS, MetricService
from pyflow_core.testing.metric import MemoryMetrics


async def use(metrics: MetricService) -> None:
    store = MemoryPayloadService()
    plane = DataPlane(PayloadWriter(store, metrics=metrics), PayloadReader({"memory": store}, metrics=metrics))
    codec, origin = codec_for(str), Origin("orders", "run-1", "send")
    large, over_budget, _ = (
        decide(draft_value(codec, "x" * size), origin, OUTPUT, run_inline_bytes=inline_bytes, metrics=metrics)
        for size, inline_bytes in ((50_000, 0), (2_000, 70_000), (1, 0))
    )
    await plane.store(large)
    await plane.store(over_budget)
    await plane.fetch(codec, large.envelope)
    await store.delete([item.key async for item in store.objects("")])
    with pytest.raises(PayloadMissingError):
        await plane.fetch(codec, large.envelope)


def test_puts_gets_errors_sizes_and_overruns_are_measured() -> None:
    metrics = MemoryMetrics()
    asyncio.run(use(metrics))
    assert len(metrics.values["pyflow.payload.put_seconds{store=memory}"]) == 2
    assert len(metrics.values["pyflow.payload.get_seconds{store=memory}"]) == 2
    assert metrics.counts["pyflow.payload.errors{code=payload_missing,operation=get,store=memory}"] == 1
    assert metrics.counts["pyflow.payload.budget_overruns"] == 1
    small, large, over_budget = metrics.values["pyflow.event_result_bytes{kind=output}"]
    assert small == 3
    assert max(large, over_budget) < 500
    assert metrics.counts["pyflow.status.payload_loads"] == 0


def test_measuring_nothing_costs_nothing() -> None:
    asyncio.run(use(NO_METRICS))


def test_measurements_reach_opentelemetry() -> None:
    sdk: Any = pytest.importorskip("opentelemetry.sdk.metrics")
    export: Any = pytest.importorskip("opentelemetry.sdk.metrics.export")
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider(metric_readers=[reader])
    asyncio.run(use(OtelMetricService(provider.get_meter("pyflow"))))
    found = {
        metric.name: metric
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    provider.shutdown()
    assert found["pyflow.payload.put_seconds"].unit == "s"
    assert found["pyflow.event_result_bytes"].unit == "By"
    (point,) = found["pyflow.payload.budget_overruns"].data.data_points
    assert point.value == 1
    (point,) = found["pyflow.payload.put_seconds"].data.data_points
    assert (point.count, dict(point.attributes)) == (2, {"store": "memory"})


def test_without_opentelemetry_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyflow-workflows\[otel\]'"):
        OtelMetricService()
