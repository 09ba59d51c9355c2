"""Stores that let objects go by themselves keep what a live run needs, because workers extend its time."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from pyflow_core.log import RENEWAL_FAILED, logger
from pyflow_core.payload.key import is_config_key

if TYPE_CHECKING:
    from pyflow_core.clock import Clock
    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.ports.state import WorkflowStateService

FIRST_SECONDS = 30.0
"""Soon after its start a worker renews for the first time: there may have been none for long."""
_SHARE_OF_TTL = 3
_RUNS_AT_ONCE = 200

_log = logger("pyflow.renewal")


class Renewal:
    """Extends the time to live of all that unsettled runs refer to. Workers that do so at once do no harm."""

    def __init__(self, state: WorkflowStateService, planes: DataPlanes, clock: Clock) -> None:
        self._state = state
        self._planes = planes
        self._clock = clock
        self._pause = FIRST_SECONDS

    async def turn(self) -> None:
        """Wait for the next time, and renew. What goes wrong is logged, and tried again the time after."""
        # For half to one and a half of it, so that workers do not come together.
        await self._clock.pause(self._pause * (0.5 + random.random()))  # noqa: S311 - spreads load, guards nothing
        try:
            ttl_seconds = self._planes.shortest_ttl()
            if ttl_seconds is None:
                await asyncio.Future()  # nothing goes by itself: there is nothing to do until the worker ends
            else:
                self._pause = ttl_seconds / _SHARE_OF_TTL
                await self.renew()
        except Exception as error:  # noqa: BLE001 - a store of a third party may raise anything, and work goes on
            _log.warning("%s: %s: %s", RENEWAL_FAILED, type(error).__name__, error)

    async def renew(self) -> None:
        """Extend what unsettled runs refer to at this moment; what is gone already is told by whoever reads it.

        Raises:
            PayloadError, StoreError: a store cannot be used.
        """
        configurations: set[str] = set()
        after: int | None = 0
        while after is not None:
            keys, after = await self._state.ledger.live_keys(after, _RUNS_AT_ONCE)
            shared = {key for key in keys if is_config_key(key)}
            await self._planes.extend({*keys} - shared)
            await self._planes.extend_configurations(shared - configurations)
            configurations |= shared
