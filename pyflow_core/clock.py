"""Time, so that tests can make it virtual."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """The wall clock and the way to wait by it."""

    @abstractmethod
    def time(self) -> float:
        """Seconds since the epoch."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


class SystemClock(Clock):
    """The machine's clock."""

    def time(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
