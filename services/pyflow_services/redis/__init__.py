"""Payloads in Redis or Valkey. Needs the extra `redis`; importing this needs nothing."""

from pyflow_services.redis.payload import RedisPayloadService
from pyflow_services.redis.url import from_url

__all__ = ["RedisPayloadService", "from_url"]
