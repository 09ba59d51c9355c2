"""Configurations: values that are saved once and go by reference into as many runs as like.

    configs/{tenant}/{sha256}-{period}.json

They belong to no run, so nothing but references keeps them: a sweep deletes one that has lain there past its grace with
no run that refers to it. What is saved is put under the name of the present period, and the grace is two periods. So
between saving a configuration and starting a run with it there is a week at least, and equal configurations of one
period are one object.

In front of the store may be a cache with times to live (Redis). Reading renews what it holds, and so do workers for
what live runs refer to; what it lets go costs a read, and never a run.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pyflow_core.errors import PayloadError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.payload import PayloadService

_DAY = 24 * 3600.0
PERIOD_SECONDS = 7 * _DAY
"""So long what is saved lies under one name."""
GRACE_SECONDS = 2 * PERIOD_SECONDS
"""So long after it was put an object that no run refers to may be swept."""
DEFAULT_TTL_SECONDS = _DAY
"""How long a cache keeps what nobody reads, where its URL does not say."""
_PAUSE_SECONDS = 30.0
"""A cache that could not be reached is left alone for so long."""


def period_of(now: float) -> int:
    """The number of the period of a time in seconds since the epoch."""
    return int(now // PERIOD_SECONDS)


class ConfigurationCache:
    """Bytes of configurations in a store that may lose them, or be away, at any time. Nothing here ever fails for it.

    One that is open already is left open.

    Raises:
        SettingsError: the store keeps no times to live.
    """

    def __init__(self, service: PayloadService, *, uptime: Callable[[], float], is_open: bool = False) -> None:
        if not service.keeps_ttl:
            raise SettingsError(
                f"config_cache = {service.name!r} must be a store that lets objects go by itself, such as redis://"
            )
        self._service = service
        self._uptime = uptime
        self._is_open = self._is_given = is_open
        self._away_until = 0.0
        self.ttl_seconds = service.ttl_seconds or DEFAULT_TTL_SECONDS

    async def recall(self, reference: Reference) -> bytes | None:
        """The bytes of a configuration, if they are here and are those that were saved; they live on."""
        try:
            raw = await self._service.get(reference.key, most=reference.bytes) if await self._reach() else None
            if raw is None or sha256(raw).hexdigest() != reference.sha256:
                return None
            await self._service.extend(reference.key, self.ttl_seconds)
        except PayloadError:
            self._leave_alone()
            return None
        return raw

    async def remember(self, key: str, raw: bytes) -> None:
        """Hold verified bytes, in place of whatever was held under the key."""
        try:
            if await self._reach() and not await self._service.put(key, raw, ttl_seconds=self.ttl_seconds):
                await self._service.delete([key])
                await self._service.put(key, raw, ttl_seconds=self.ttl_seconds)
        except PayloadError:
            self._leave_alone()

    async def renew(self, key: str) -> None:
        """Let a configuration that a live run refers to live on, if it is here; a read brings back what is not."""
        try:
            if await self._reach():
                await self._service.extend(key, self.ttl_seconds)
        except PayloadError:
            self._leave_alone()

    async def close(self) -> None:
        """Let go of the store."""
        if self._is_open and not self._is_given:
            self._is_open = False
            await self._service.close()

    async def _reach(self) -> bool:
        if self._uptime() < self._away_until:
            return False
        if not self._is_open:
            await self._service.open()
            self._is_open = True
        return True

    def _leave_alone(self) -> None:
        self._away_until = self._uptime() + _PAUSE_SECONDS
