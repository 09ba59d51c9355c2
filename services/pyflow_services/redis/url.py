"""`redis://[user[:password]@]host[:port][/database]?ttl=7d&prefix=pyflow:&name=`, `rediss://` for TLS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflow_core.payload.url import StoreUrl
from pyflow_services.redis.payload import DEFAULT_PREFIX, RedisPayloadService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock

_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{0,100}")


def from_url(url: str, root: Path | None, clock: Clock) -> RedisPayloadService:
    """The payload service of a `redis:` URL.

    Raises:
        SettingsError: the URL is wrong.
    """
    del root, clock
    parsed = StoreUrl(url)
    ttl_seconds = parsed.seconds("ttl")
    prefix = parsed.option("prefix")
    name = parsed.name("redis")
    parsed.finish()
    database = parsed.path.strip("/")
    if not parsed.host or (database and not (database.isascii() and database.isdigit())):
        raise parsed.wrong("write redis://user:password@host:6379/0?ttl=7d, or rediss://… for TLS")
    if prefix is not None and _PREFIX.fullmatch(prefix) is None:
        raise parsed.wrong("prefix must be letters, digits and any of _.:-")
    return RedisPayloadService(
        url.partition("?")[0],
        name,
        prefix=DEFAULT_PREFIX if prefix is None else prefix,
        ttl_seconds=ttl_seconds,
        shown=parsed.shown,
    )
