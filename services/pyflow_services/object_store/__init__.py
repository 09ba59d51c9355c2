"""Payloads in an object store: S3, GCS or Azure. Needs the extra `s3`; importing this needs nothing."""

from pyflow_services.object_store.payload import ObjectStorePayloadService
from pyflow_services.object_store.url import from_url

__all__ = ["ObjectStorePayloadService", "from_url"]
