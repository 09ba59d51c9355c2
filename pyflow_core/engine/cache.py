"""Suspended executions, so that the next result continues them instead of replaying their runs."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pyflow_core.ports.state import ParkedRun

if TYPE_CHECKING:
    from pyflow_core.engine.driver import RunDriver


class ExecutionCache:
    """The drivers of parked runs, the least recently parked first to go. Whatever leaves unused is retired.

    `parked` is what stores are given when runs are claimed; it may be read from another thread.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._drivers: OrderedDict[str, RunDriver] = OrderedDict()
        self.parked: dict[str, ParkedRun] = {}

    def put(self, driver: RunDriver) -> None:
        """Keep a driver that has parked."""
        if self._size == 0:
            driver.retire()
            return
        self._drivers[driver.run_id] = driver
        self.parked[driver.run_id] = ParkedRun(driver.epoch, driver.delivered)
        if self._size is not None and len(self._drivers) > self._size:
            _, oldest = self._drivers.popitem(last=False)
            self.parked.pop(oldest.run_id, None)
            oldest.retire()

    def take(self, run_id: str) -> RunDriver | None:
        """Hand a driver out."""
        self.parked.pop(run_id, None)
        return self._drivers.pop(run_id, None)

    def clear(self) -> None:
        """Retire all."""
        drivers, self._drivers = self._drivers, OrderedDict()
        self.parked.clear()
        for driver in drivers.values():
            driver.retire()
