"""Payloads in a table of a SQLite file, which may be that of the state."""

from pyflow_services.relational.payload import RelationalPayloadService
from pyflow_services.relational.url import from_url

__all__ = ["RelationalPayloadService", "from_url"]
