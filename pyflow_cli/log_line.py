"""What pyflow and the workflows log, as plain lines on standard error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pyflow_cli.output import one_line
from pyflow_cli.table import clock_text, paint

if TYPE_CHECKING:
    from pyflow_cli.output import Output

_COLORS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


class LineHandler(logging.Handler):
    """One line a record; warnings of a command that is no server look like those of the command itself."""

    def __init__(self, output: Output, *, timed: bool) -> None:
        super().__init__()
        self._output = output
        self._timed = timed

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            message = one_line(record.getMessage())
            if record.levelno >= logging.ERROR and self._output.quiet:
                self._output.error(message)
            if not self._timed:
                self._output.warning(message)
                return
            level = paint(f"{record.levelname.lower():<7}", _COLORS.get(record.levelno), color=self._output.color)
            self._output.prose(f"{clock_text(record.created)} {level} {message}")
            if record.exc_info and self._output.verbose:
                self._output.prose(record.exc_text or logging.Formatter().formatException(record.exc_info))
        except Exception:  # noqa: BLE001 - logging must not break what it tells of
            self.handleError(record)


def show_log(output: Output, *, server: bool) -> None:
    """Show what pyflow logs: a server everything that happens, another command only warnings.

    A project that has set up logging itself keeps its own way.
    """
    logger = logging.getLogger("pyflow")
    level = logging.DEBUG if output.verbose else logging.INFO
    logger.setLevel(level if server else logging.WARNING)
    if not logging.getLogger().handlers:
        logger.addHandler(LineHandler(output, timed=server))
        logger.propagate = False
