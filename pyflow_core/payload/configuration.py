"""Configurations and definitions by id, so that jobs and rows carry 64 characters in place of 50 KB.

The id is the sha256 of the configuration's JSON. The durable copy is in the payload store; a store with a TTL in front
of it (Redis) is a cache: reading renews what it holds, a heartbeat renews what a live run uses, and expiry costs a
read and never a run.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pyflow_core.codec.json_text import parse_json, write_json
from pyflow_core.errors import (
    PayloadCorruptError,
    PayloadFacts,
    PayloadMissingError,
    PayloadStoreUnavailableError,
    StoredValueError,
)
from pyflow_core.payload.key import config_key
from pyflow_core.ports.payload import display
from pyflow_core.ports.state import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.codec.json_text import Tree
    from pyflow_core.ports.payload import PayloadService

DEFAULT_TTL_SECONDS = 24 * 3600.0


class ConfigurationStore:
    """Keeps configurations by id. `cache` may lose what it holds at any time."""

    def __init__(
        self,
        durable: PayloadService,
        *,
        cache: PayloadService | None = None,
        tenant: str = DEFAULT_TENANT,
        ttl_seconds: float = DEFAULT_TTL_SECONDS,
    ) -> None:
        self._durable = durable
        self._cache = cache
        self._tenant = tenant
        self._ttl_seconds = ttl_seconds

    async def save(self, configuration: Tree) -> str:
        """The id under which it is kept from now on; equal configurations have one id and are kept once."""
        raw = write_json(_ordered(configuration)).encode()
        config_id = sha256(raw).hexdigest()
        await self._durable.put(self._key(config_id), raw)
        await self._remember(config_id, raw)
        return config_id

    async def load(self, config_id: str) -> Tree:
        """The configuration of an id.

        Raises:
            PayloadMissingError: there is none.
            PayloadCorruptError: it is not what was saved.
        """
        raw = await self._recall(config_id)
        if raw is None:
            raw = await self._durable.get(self._key(config_id))
            if raw is None:
                raise PayloadMissingError("there is no configuration of this id", self._facts(config_id))
            self._verify(config_id, raw)
            await self._remember(config_id, raw)
        return parse_json(raw.decode())

    async def renew(self, config_ids: Iterable[str]) -> None:
        """Let what live runs use live on in the cache; for a heartbeat. What the cache has lost is put back."""
        if self._cache is None:
            return
        for config_id in config_ids:
            try:
                if not await self._cache.extend(self._key(config_id), self._ttl_seconds):
                    await self.load(config_id)
            except PayloadStoreUnavailableError:
                return  # it is a cache

    async def _recall(self, config_id: str) -> bytes | None:
        if self._cache is None:
            return None
        try:
            raw = await self._cache.get(self._key(config_id))
            if raw is None or sha256(raw).hexdigest() != config_id:
                return None
            await self._cache.extend(self._key(config_id), self._ttl_seconds)
        except PayloadStoreUnavailableError:
            return None
        return raw

    async def _remember(self, config_id: str, raw: bytes) -> None:
        if self._cache is None:
            return
        try:
            created = await self._cache.put(self._key(config_id), raw, ttl_seconds=self._ttl_seconds)
            if not created and await self._cache.get(self._key(config_id)) != raw:
                await self._cache.delete([self._key(config_id)])
                await self._cache.put(self._key(config_id), raw, ttl_seconds=self._ttl_seconds)
        except PayloadStoreUnavailableError:
            return

    def _verify(self, config_id: str, raw: bytes) -> None:
        found = sha256(raw).hexdigest()
        if found != config_id:
            raise PayloadCorruptError(None, self._facts(config_id, found, len(raw)))

    def _key(self, config_id: str) -> str:
        if len(config_id) != 64 or not set(config_id) <= set("0123456789abcdef"):
            raise StoredValueError(f"{config_id[:80]!r} is no id of a configuration")
        return config_key(self._tenant, config_id)

    def _facts(self, config_id: str, found: str | None = None, size: int | None = None) -> PayloadFacts:
        return PayloadFacts(
            reference=display(self._durable.name, self._key(config_id)),
            expected_sha256=config_id,
            found_sha256=found,
            found_bytes=size,
        )


def _ordered(tree: Tree) -> Tree:
    """The same tree with its keys in order, so that equal configurations have one text."""
    if isinstance(tree, dict):
        return {key: _ordered(tree[key]) for key in sorted(tree)}
    return [_ordered(item) for item in tree] if isinstance(tree, list) else tree
