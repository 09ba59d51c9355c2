"""What is measured, and how it reaches OpenTelemetry."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_services.memory import MemoryPayloadService
from pyflow_services.otel import OtelMetricService

from pyflow_core import wire_workflow
from pyflow_core.codec import codec_for
from pyflow_core.connection import Connection
from pyflow_core.errors import MissingExtraError, PayloadContractError, PayloadMissingError, SettingsError
from pyflow_core.metrics import load_metrics
from pyflow_core.payload.deposit import decide
from pyflow_core.payload.draft import draft_value
from pyflow_core.payload.key import OUTPUT
from pyflow_core.payload.plane import DataPlane, single_reference
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.ports.metric import NO_METRICS, MetricService
from pyflow_core.ports.state import DEFAULT_TENANT, Envelope, NewRun, RunStatus
from pyflow_core.project import Project
from pyflow_core.testing.metric import MemoryMetrics
from pyflow_core.wiring import isolated_registry

if TYPE_CHECKING:
    from pathlib import Path


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
    await plane.fetch(codec, single_reference(large.envelope))
    await store.delete([item.key async for item in store.objects("")])
    with pytest.raises(PayloadMissingError):
        await plane.fetch(codec, single_reference(large.envelope))


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


async def refuse(metrics: MetricService, folder: Path) -> None:
    """Give the state what is no reference, find one in a row, and ask for statuses."""
    broken = Envelope(reference='{"$ref": "payloads/1"}')
    with isolated_registry() as registry:

        @wire_workflow("make")
        async def make() -> str:
            return "x" * 50_000

        project = Project(name="t", package="t", root=folder)
        connection = Connection(project, state="memory://", registry=registry, metrics=metrics, worker=True)
        async with connection as client:
            with pytest.raises(PayloadContractError):
                await client.state.create_run(NewRun("broken", "make", broken, ""))
            with pytest.raises(PayloadContractError):
                await client.runtime.values.bring(codec_for(str), broken, DEFAULT_TENANT)
            run = await client.start("make", run_id="made")
            assert await run.result() == "x" * 50_000
            assert await run.status() == RunStatus.COMPLETED
            assert (await client.get_run("made")).output.reference is not None
            assert len((await client.list_runs()).runs) == 1


def test_refused_values_are_counted_and_statuses_load_nothing(tmp_path: Path) -> None:
    metrics = MemoryMetrics()
    asyncio.run(refuse(metrics, tmp_path))
    assert metrics.counts["pyflow.payload.contract_violations{where=write}"] == 1
    assert metrics.counts["pyflow.payload.contract_violations{where=read}"] == 1
    assert metrics.counts["pyflow.status.payload_loads"] == 0
    assert len(metrics.values["pyflow.payload.get_seconds"]) == 1, "by the caller who asked for the result"


def test_metrics_are_named_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = MemoryMetrics()
    telemetry = SimpleNamespace(metrics=metrics, make=lambda: metrics, wrong=dict)
    monkeypatch.setitem(sys.modules, "telemetry", telemetry)
    assert load_metrics("telemetry:metrics") is load_metrics("telemetry:make") is load_metrics(metrics) is metrics
    assert load_metrics(None) is NO_METRICS
    assert isinstance(load_metrics("pyflow_core.testing.metric:MemoryMetrics"), MemoryMetrics)
    with pytest.raises(SettingsError, match="no MetricService, and makes none: it gave a dict"):
        load_metrics("telemetry:wrong")
    with pytest.raises(SettingsError, match="has no 'other'"):
        load_metrics("telemetry:other")


def test_measuring_nothing_costs_nothing() -> None:
    asyncio.run(use(NO_METRICS))


def test_measurements_reach_opentelemetry(tmp_path: Path) -> None:
    sdk: Any = pytest.importorskip("opentelemetry.sdk.metrics")
    export: Any = pytest.importorskip("opentelemetry.sdk.metrics.export")
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider(metric_readers=[reader])
    metrics = OtelMetricService(provider.get_meter("pyflow"))
    asyncio.run(use(metrics))
    asyncio.run(refuse(metrics, tmp_path))
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
    assert (point.count, dict(point.attributes)) == (3, {"store": "memory"})
    points = found["pyflow.payload.contract_violations"].data.data_points
    assert {(point.attributes["where"], point.value) for point in points} == {("read", 1), ("write", 1)}
    assert "pyflow.status.payload_loads" not in found


def test_without_opentelemetry_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyflow-workflows\[otel\]'"):
        OtelMetricService()
