"""Runs past their retention are purged by workers, rarely and beside their work."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pyflow_core.log import PURGE_FAILED, RUNS_PURGED, logger
from pyflow_core.payload.collection import Collector

if TYPE_CHECKING:
    from pyflow_core.clock import Clock
    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.ports.state import WorkflowStateService

PERIOD_SECONDS = 600.0
"""About so often; each worker waits anew for half to one and a half of it, so that they do not come together."""
_SHORTEST_PERIOD_SECONDS = 1.0

_log = logger("pyflow.retention")


class Retention:
    """Purges runs that ended more than `seconds` ago. The ledger's marks keep several workers from harm."""

    def __init__(self, state: WorkflowStateService, planes: DataPlanes, clock: Clock, seconds: float) -> None:
        self._state = state
        self._planes = planes
        self._clock = clock
        self._seconds = seconds

    async def turn(self) -> None:
        """Wait for the next time, and purge. Whatever goes wrong is recorded, and tried again the time after."""
        period = min(PERIOD_SECONDS, max(_SHORTEST_PERIOD_SECONDS, self._seconds))
        await self._clock.pause(period * (0.5 + random.random()))  # noqa: S311 - spreads load, guards nothing
        try:
            await self.purge()
        except Exception as error:  # noqa: BLE001 - a store of a third party may raise anything, and work goes on
            _log.warning("%s: %s: %s", PURGE_FAILED, type(error).__name__, error)

    async def purge(self) -> list[str]:
        """Purge what is due now, and tell which runs are gone. A run whose purge fails is marked with the reason.

        Raises:
            PayloadError, StoreError: a store cannot be used.
        """
        collector = Collector([await self._planes.store()], self._state.ledger, metrics=self._planes.metrics)
        purged: list[str] = []
        while True:
            report = await collector.purge(self._seconds)
            for run_id, reason in report.failures.items():
                _log.warning("%s: run %s: %s", PURGE_FAILED, run_id, reason)
            purged += report.purged
            if not report.purged:  # those that fail come again, after all others
                break
        if purged:
            _log.info("%s: %d runs that ended more than %g s ago", RUNS_PURGED, len(purged), self._seconds)
        return purged
