"""Time, so that tests can make it virtual."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


def uptime() -> float:
    """Seconds that never go back, with the time that the machine has slept, where its system tells that."""
    boot: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clock(ABC):
    """The wall clock and the ways to wait by it."""

    @abstractmethod
    def time(self) -> float:
        """Seconds since the epoch."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""

    async def pause(self, seconds: float) -> None:
        """Wait between two looks at a store. Nothing is due at its end, so that virtual time may pass over it."""
        await self.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Cancel what runs inside after so many seconds, as `asyncio.timeout` does."""
        return asyncio.timeout(seconds)


class SystemClock(Clock):
    """The machine's clock."""

    @override
    def time(self) -> float:
        return time.time()

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
