"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn, TypeVar

from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from types import FrameType

T = TypeVar("T")

_SAME_SECONDS = 0.3
"""One Ctrl-C may come twice, from the terminal and from a wrapper such as `timeout` or `make`."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """What has asked this process to stop, if anything has."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._event = asyncio.Event()
        self._heard_at = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """How a command ends that was to run until it is stopped."""
        return ExitCode.INTERRUPTED if self.signal is signal.SIGINT else ExitCode.DONE

    async def wait(self) -> None:
        """Return when the process is to stop."""
        await self._event.wait()

    async def unless(self, work: Coroutine[object, object, T]) -> T:
        """The result of `work`, which is cancelled when the process is to stop.

        Raises:
            KeyboardInterrupt: it was.
        """
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise KeyboardInterrupt
        finally:
            stop.cancel()
            task.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    @contextmanager
    def listening(self, at_once: Callable[[], None]) -> Generator[None]:
        """Hear the signals; `at_once` is called before the second one ends the process."""
        loop = asyncio.get_running_loop()

        def hear(number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._event.set)
            if self.signal is None:
                self.signal = signal.Signals(number)
                self._heard_at = time.monotonic()
            elif time.monotonic() - self._heard_at > _SAME_SECONDS:
                with suppress(RuntimeError):  # as `end_process` says
                    at_once()
                end_process(ExitCode.INTERRUPTED)

        before = {number: signal.signal(number, hear) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_interruptible(main: Callable[[Interrupt], Coroutine[object, object, T]], at_once: Callable[[], None]) -> T:
    """Run `main` in a loop of its own, with the way to ask whether it is to stop."""

    async def listen() -> T:
        interrupt = Interrupt()
        with interrupt.listening(at_once):
            return await main(interrupt)

    return asyncio.run(listen())


def end_process(code: int) -> NoReturn:
    """End it now, without waiting for threads."""
    for stream in (sys.stdout, sys.stderr):
        # A signal may have come in the middle of a write to this very stream.
        with suppress(RuntimeError, OSError):
            stream.flush()
    os._exit(code)


def leave(code: ExitCode) -> ExitCode:
    """End with this code, at once if a step still runs in a thread that Python would wait for."""
    if any(thread.name.startswith("pyflow-step") and thread.is_alive() for thread in threading.enumerate()):
        end_process(code)
    return code
