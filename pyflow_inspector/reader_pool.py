"""Several processes that read units side by side, and what becomes of a unit whose process dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from pyflow_inspector.plain import NotPlainError
from pyflow_inspector.reader_message import READY, first_line, unit_line
from pyflow_inspector.unit import UnitReport
from pyflow_inspector.unit_lines import FreshUnit, UnitLines, fresh_unit, parse_lines

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
_SENSELESS = "gave an answer that cannot be read"


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
        self._write(told)
        return self._lines(1) == [READY]

    def ask(self, unit: str) -> None:
        """Have it read a unit."""
        self._write(unit_line(unit))

    def answer(self) -> UnitLines | None:
        """What it says to the last question; nothing if it came to an end over it."""
        lines = self._lines(2)
        return UnitLines(*(line[:-1] for line in lines)) if all(line.endswith(b"\n") for line in lines) else None

    def _write(self, question: bytes) -> None:
        assert self._process.stdin is not None
        self._asked_at = time.monotonic()
        with suppress(OSError):  # who is gone gives no answer
            self._process.stdin.write(question)
            self._process.stdin.flush()

    def _lines(self, count: int) -> list[bytes]:
        """The next lines; those that do not come are empty."""
        assert self._process.stdout is not None
        try:
            return [self._process.stdout.readline() for _ in range(count)]
        except OSError:
            return [b""] * count

    def stop(self) -> None:
        """Make sure that it is gone."""
        self._process.kill()
        self._process.communicate()

    def how_it_ended(self) -> str:
        """The rest of a sentence about one that gave no answer."""
        try:
            code = self._process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            return _SENSELESS
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
        self._read: list[FreshUnit] = []
        self._died: list[tuple[str, str]] = []
        self._waiting: deque[str] = deque()

    def read(self, units: Iterable[str], *, meanwhile: Callable[[], object]) -> tuple[list[FreshUnit], list[str]]:
        """The units, and those that nobody could be found to read, because no process comes up.

        `meanwhile` is called once the readers are on their way.
        """
        self._waiting.extend(units)
        takes = [self._waiting.popleft if number % 2 == 0 else self._waiting.pop for number in range(PROCESSES)]
        threads = [threading.Thread(target=self._serve, args=(take,), daemon=True) for take in takes]
        try:
            for thread in threads:
                thread.start()
            meanwhile()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_WATCH_SECONDS)
                    self._stop_hung()
        finally:
            self._stop_all()
        return [*self._read, *(self._without_reader(*one) for one in self._died)], list(self._waiting)

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
        """Until nothing is left, or the reader dies or says what makes no sense."""
        unit = _ask_next(reader, take)
        while unit is not None:
            lines = reader.answer()
            if lines is None:
                self._died.append((unit, reader.how_it_ended()))
                return
            following = _ask_next(reader, take)  # which it reads while the answer is looked at here
            if not self._keep(unit, lines):
                self._died.append((unit, _SENSELESS))
                if following is not None:
                    self._waiting.append(following)
                return
            unit = following

    def _keep(self, unit: str, lines: UnitLines) -> bool:
        """Whether these are lines of the unit."""
        try:
            read = FreshUnit(parse_lines(lines), lines)
        except NotPlainError:
            return False
        if read.unit.outline.unit != unit:
            return False
        self._read.append(read)
        return True

    def _without_reader(self, unit: str, how: str) -> FreshUnit:
        """A unit over which a reader died."""
        from pyflow_inspector.rules.pf904_parser_died import ParserDied  # with it come all rules

        file = self._index.sources[unit.partition(":")[0]].file
        return fresh_unit(UnitReport(unit, {}, findings=(ParserDied().of(file, how),)))

    def _stop_hung(self) -> None:
        with self._lock:
            for reader in self._at_work:
                reader.stop_if_hung(self._unit_seconds)

    def _stop_all(self) -> None:
        """End whatever is still at work: the user may have interrupted."""
        with self._lock:
            for reader in self._at_work:
                reader.stop_if_hung(0)


def _ask_next(reader: _Reader, take: Callable[[], str]) -> str | None:
    """The unit that is read next, if one is left."""
    try:
        unit = take()
    except IndexError:
        return None
    reader.ask(unit)
    return unit
