"""A clock that moves when a test says so."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

from typing_extensions import override

from pyflow_core.clock import Clock
from pyflow_core.duration import parse_duration

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyflow_core.duration import Duration

FIRST_SECOND = 1_700_000_000.0
"""Where virtual time begins, in seconds since the epoch."""

Alarm = tuple[float, int, Callable[[], None]]


class VirtualClock(Clock):
    """Time that stands still until it is advanced. Called, it gives the time, as state services want it."""

    def __init__(self, start: float = FIRST_SECOND) -> None:
        self._now = start
        self._order = count()
        self._due: list[Alarm] = []
        self._looks: list[Alarm] = []
        self._silenced: set[int] = set()
        self.on_advance: list[Callable[[], object]] = []

    @override
    def time(self) -> float:
        return self._now

    def __call__(self) -> float:
        """The time."""
        return self._now

    def advance(self, duration: Duration) -> None:
        """Let time pass: `"1h"`, seconds or a `timedelta`. Whatever has become due goes on when the loop next turns."""
        self.advance_to(self._now + parse_duration(duration))

    def advance_to(self, moment: float) -> None:
        """Let time pass until then."""
        self._now = max(self._now, moment)
        for told in self.on_advance:
            told()
        for alarms in (self._due, self._looks):
            while alarms and alarms[0][0] <= self._now:
                _, number, ring = heapq.heappop(alarms)
                if number in self._silenced:
                    self._silenced.discard(number)
                else:
                    ring()

    def next_due(self) -> float | None:
        """When the next thing is due that somebody waits for."""
        return self._first(self._due)

    def next_look(self) -> float | None:
        """When somebody next looks at a store."""
        return self._first(self._looks)

    @override
    async def sleep(self, seconds: float) -> None:
        await self._wait(self._due, seconds)

    @override
    async def pause(self, seconds: float) -> None:
        await self._wait(self._looks, seconds)

    @override
    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncGenerator[asyncio.Timeout]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as scope:
            number = self._set(self._due, seconds, lambda: scope.reschedule(loop.time()))
            try:
                yield scope
            finally:
                self._silenced.add(number)

    async def _wait(self, alarms: list[Alarm], seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        over = asyncio.get_running_loop().create_future()
        number = self._set(alarms, seconds, lambda: None if over.done() else over.set_result(None))
        try:
            await over
        except BaseException:
            self._silenced.add(number)
            raise

    def _set(self, alarms: list[Alarm], seconds: float, ring: Callable[[], None]) -> int:
        number = next(self._order)
        heapq.heappush(alarms, (self._now + seconds, number, ring))
        return number

    def _first(self, alarms: list[Alarm]) -> float | None:
        while alarms and alarms[0][1] in self._silenced:
            self._silenced.discard(heapq.heappop(alarms)[1])
        return alarms[0][0] if alarms else None
