"""Payloads in local files."""

from pyflow_services.files.payload import FilesPayloadService
from pyflow_services.files.url import from_url

__all__ = ["FilesPayloadService", "from_url"]
