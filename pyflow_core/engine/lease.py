"""A worker's lease: renewed by a thread, as long as the event loop still turns."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

from pyflow_core.engine.frame import stack_frames
from pyflow_core.errors import StoreError
from pyflow_core.log import DRAIN_SLOW, STORE_TROUBLE, logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_log = logger("pyflow.worker")

LOOP_SILENCE_SECONDS = 60.0
"""A loop that has not turned for so long is hung: its lease is left to expire."""

SLOW_TURN_SECONDS = 2.0
"""A turn of the loop that takes longer is reported with its stack: a step or a workflow blocks everything else."""


class Heartbeat:
    """Renews a lease from a thread of its own, and calls `lost` on the loop when it is gone."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, renew: Callable[[], bool], lease_seconds: float, lost: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._renew = renew
        self._period = min(lease_seconds / 3, 10.0)
        self._lost = lost
        self._stop = threading.Event()
        self._ticked_at = time.monotonic()
        self._reported = False
        self._loop_thread = threading.get_ident()
        self._thread = threading.Thread(target=self._beat, name="pyflow-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for the thread."""
        self._stop.set()

    def _beat(self) -> None:
        due = time.monotonic() + self._period
        while not self._stop.wait(min(0.5, self._period)):
            self._watch_the_loop()
            now = time.monotonic()
            if now < due or now - self._ticked_at > LOOP_SILENCE_SECONDS:
                continue
            due = now + self._period
            if not self._renewed():
                self._call(self._lost)
                return

    def _renewed(self) -> bool:
        try:
            return self._renew()
        except StoreError as error:
            _log.warning("%s: the lease could not be renewed: %s", STORE_TROUBLE, error)
            return True  # unknown: the store refuses our writes if it is lost

    def _watch_the_loop(self) -> None:
        silence = time.monotonic() - self._ticked_at
        if silence > SLOW_TURN_SECONDS and not self._reported and sys.gettrace() is None:
            self._reported = True
            frame = stack_frames().get(self._loop_thread)
            stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
            _log.warning("%s: the event loop has been busy for %.1f s:\n%s", DRAIN_SLOW, silence, stack)
        self._call(self._tick)

    def _tick(self) -> None:
        self._ticked_at = time.monotonic()
        self._reported = False

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the loop is closed, and with it the worker
            self._stop.set()
