"""Several processes that read units side by side, and what becomes of a unit whose process dies."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from pyflow_inspector.plain import NotPlainError, from_plain
from pyflow_inspector.reader_message import READY, first_line, unit_line
from pyflow_inspector.rules.pf904_parser_died import ParserDied
from pyflow_inspector.unit import UnitReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceIndex

PROCESSES = 2
UNIT_SECONDS = 60.0
"""After so long without an answer a reader is taken for hung."""

# Without `-P` a module of the project would be found in place of one that the reader needs.
COMMAND = (sys.executable, "-P", "-m", "pyflow_inspector.reader")
_WATCH_SECONDS = 0.2
_LAST_SECONDS = 5.0


class _Reader:
    """One process, and since when it owes an answer."""

    def __init__(self, command: Iterable[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._asked_at = time.monotonic()
        self._has_hung = False

    def begin(self, told: bytes) -> bool:
        """Tell it what to read from; whether it has come up."""
        return self._exchange(told) == READY

    def ask(self, unit: str) -> UnitReport | None:
        """The report of a unit; nothing if the process came to an end over it."""
        try:
            answer = json.loads(self._exchange(unit_line(unit)))
            return from_plain(UnitReport, answer)
        except (ValueError, NotPlainError):
            return None

    def _exchange(self, question: bytes) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked_at = time.monotonic()
        try:
            self._process.stdin.write(question)
            self._process.stdin.flush()
            return self._process.stdout.readline()
        except OSError:
            return b""

    def stop(self) -> None:
        """Make sure that it is gone."""
        self._process.kill()
        self._process.communicate()

    def how_it_ended(self) -> str:
        """The rest of a sentence about one that gave no answer."""
        try:
            code = self._process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            return "gave an answer that cannot be read"
        if self._has_hung:
            return "gave no answer and was stopped"
        if code < 0:
            names = {one.value: one.name for one in signal.Signals}
            return f"was ended by {names.get(-code, f'signal {-code}')}"
        return f"ended by itself with exit code {code}"

    def stop_if_hung(self, seconds: float) -> None:
        """End it if it has not answered for so long."""
        if time.monotonic() - self._asked_at > seconds:
            self._has_hung = True
            self._process.kill()


class ReaderPool:
    """Readers for one batch of units.

    One takes units from the front and another from the back, so that files that lie in one folder, and that lead to
    the same modules, are mostly read by one process.
    """

    def __init__(
        self,
        settings: InspectorSettings,
        index: SourceIndex,
        *,
        command: Iterable[str] = COMMAND,
        unit_seconds: float = UNIT_SECONDS,
    ) -> None:
        self._index = index
        self._told = first_line(settings, index)
        self._command = tuple(command)
        self._unit_seconds = unit_seconds
        self._lock = threading.Lock()
        self._at_work: set[_Reader] = set()
        self._reports: list[UnitReport] = []
        self._waiting: deque[str] = deque()

    def read(self, units: Iterable[str]) -> tuple[list[UnitReport], list[str]]:
        """The reports, and the units that nobody could be found to read, because no process comes up."""
        self._waiting.extend(units)
        takes = [self._waiting.popleft if number % 2 == 0 else self._waiting.pop for number in range(PROCESSES)]
        threads = [threading.Thread(target=self._serve, args=(take,), daemon=True) for take in takes]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_WATCH_SECONDS)
                    self._stop_hung()
        finally:
            self._stop_all()
        return self._reports, list(self._waiting)

    def _serve(self, take: Callable[[], str]) -> None:
        """Ask one reader after the other, until nothing is left or none comes up."""
        while self._waiting:
            try:
                reader = _Reader(self._command)
            except OSError:
                return
            with self._lock:
                self._at_work.add(reader)
            try:
                if not reader.begin(self._told):
                    return
                self._ask(reader, take)
            finally:
                with self._lock:
                    self._at_work.discard(reader)
                reader.stop()

    def _ask(self, reader: _Reader, take: Callable[[], str]) -> None:
        """Until nothing is left, or the reader dies."""
        while True:
            try:
                unit = take()
            except IndexError:
                return
            report = reader.ask(unit)
            if report is None:
                self._reports.append(self._died(unit, reader.how_it_ended()))
                return
            self._reports.append(report)

    def _died(self, unit: str, how: str) -> UnitReport:
        file = self._index.sources[unit.partition(":")[0]].file
        return UnitReport(unit, {}, findings=(ParserDied().of(file, how),))

    def _stop_hung(self) -> None:
        with self._lock:
            for reader in self._at_work:
                reader.stop_if_hung(self._unit_seconds)

    def _stop_all(self) -> None:
        """End whatever is still at work: the user may have interrupted."""
        with self._lock:
            for reader in self._at_work:
                reader.stop_if_hung(0)
