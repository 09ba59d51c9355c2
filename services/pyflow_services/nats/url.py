"""`nats://[user:password@|token@]host[:port]/bucket?ttl=7d&replicas=3&name=`, `tls://` for TLS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflow_core.payload.url import StoreUrl
from pyflow_services.nats.payload import NatsPayloadService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_REPLICAS = ("1", "3", "5")


def from_url(url: str, root: Path | None, clock: Clock) -> NatsPayloadService:
    """The payload service of a `nats:` URL.

    Raises:
        SettingsError: the URL is wrong.
    """
    del root, clock
    parsed = StoreUrl(url)
    ttl_seconds = parsed.seconds("ttl")
    replicas = parsed.option("replicas") or "1"
    name = parsed.name("nats")
    parsed.finish()
    bucket = parsed.path.strip("/") or "payloads"
    if not parsed.host or _BUCKET.fullmatch(bucket) is None:
        raise parsed.wrong("write nats://user:password@host:4222/bucket, the bucket of letters, digits and any of _-")
    if replicas not in _REPLICAS:
        raise parsed.wrong("replicas must be 1, 3 or 5")
    server = url.partition("?")[0].removesuffix("/").removesuffix(f"/{bucket}")
    return NatsPayloadService(server, bucket, name, ttl_seconds=ttl_seconds, replicas=int(replicas), shown=parsed.shown)
