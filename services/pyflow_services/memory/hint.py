"""Hints to subscribers, each on the loop on which it subscribed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Hints:
    """Who wants to know that something may have changed."""

    def __init__(self) -> None:
        self._subscribers: list[_Subscriber] = []

    def subscribe(self, hint: Callable[[], None]) -> Callable[[], None]:
        """Call `hint` from now on; returns the way to stop it."""
        subscriber = _Subscriber(asyncio.get_running_loop(), hint)
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            subscriber.active = False
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def send(self) -> None:
        """Tell everyone, from whatever thread."""
        for subscriber in list(self._subscribers):
            subscriber.wake()


class _Subscriber:
    def __init__(self, loop: asyncio.AbstractEventLoop, hint: Callable[[], None]) -> None:
        self._loop = loop
        self._hint = hint
        self._under_way = False
        self.active = True

    def wake(self) -> None:
        if self._under_way or self._loop.is_closed():
            return
        self._under_way = True
        self._loop.call_soon_threadsafe(self._call)

    def _call(self) -> None:
        self._under_way = False
        if self.active:
            self._hint()
