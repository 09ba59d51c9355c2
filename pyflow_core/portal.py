"""One event loop in a daemon thread, for callers that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pyflow_core.errors import BlockingInLoopError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Portal:
    """Runs coroutines on its own loop and waits for them; made again after a fork."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew. After a fork the old loop's thread does not exist, and the lock may have been held by it."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`.

        Raises:
            BlockingInLoopError: called inside a running loop, which it would block.
        """
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            work.close()
            raise BlockingInLoopError
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="pyflow-portal", daemon=True).start()
            return self._loop


portal = Portal()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=portal.forget)
