"""Payloads in NATS. Needs the extra `nats`; importing this needs nothing."""

from pyflow_services.nats.payload import NatsPayloadService
from pyflow_services.nats.url import from_url

__all__ = ["NatsPayloadService", "from_url"]
