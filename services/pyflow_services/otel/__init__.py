"""Metrics through OpenTelemetry. Needs the extra `otel`; importing this needs nothing."""

from pyflow_services.otel.metric import OtelMetricService

__all__ = ["OtelMetricService"]
