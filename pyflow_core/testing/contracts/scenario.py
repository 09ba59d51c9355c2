"""Run an asynchronous test without a plugin, so that whoever implements a port needs pytest only."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

Bench_co = TypeVar("Bench_co", covariant=True)

SCENARIO_SECONDS = 60.0
"""A scenario that hangs fails after so long; none should take a hundredth of it."""


class HasBench(Protocol[Bench_co]):
    """A suite, which prepares what its scenarios work on."""

    def bench(self) -> AbstractAsyncContextManager[Bench_co]:
        """What one scenario works on, opened before it and closed after it."""
        ...


def scenario(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a plain test of `async def test_…(self, bench, …)`: a fresh loop and a fresh bench for each."""

    @functools.wraps(test)
    def run(self: HasBench[Any], **parameters: Any) -> None:
        asyncio.run(_play(self, test, parameters))

    # pytest takes the parameters of a test from its signature; the bench is given here and not by a fixture.
    signature = inspect.signature(test)
    kept = [parameter for name, parameter in signature.parameters.items() if name != "bench"]
    run.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return run


async def _play(suite: HasBench[Any], test: Callable[..., Awaitable[None]], parameters: dict[str, Any]) -> None:
    async with asyncio.timeout(SCENARIO_SECONDS), suite.bench() as bench:
        await test(suite, bench, **parameters)


class ManualClock:
    """A clock that moves when a test says so. Seconds since the epoch."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        """The time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


async def turns(count: int) -> None:
    """Let the loop turn so many times, to try another interleaving."""
    for _ in range(count):
        await asyncio.sleep(0)


class VirtualTime(ManualClock):
    """A clock with the way to wait by it: who sleeps wakes when a test lets the time pass."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        super().__init__(start)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self() + seconds, sleeper))
        await sleeper

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and those act for whom it was long enough."""
        self.advance(seconds)
        due = [sleeper for until, sleeper in self._sleepers if until <= self()]
        self._sleepers = [(until, sleeper) for until, sleeper in self._sleepers if until > self()]
        for sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)
        await turns(10)


class RealTime:
    """The machine's clock, for services whose server has a clock of its own."""

    def __call__(self) -> float:
        """The time."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        await asyncio.sleep(seconds)

    async def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)
