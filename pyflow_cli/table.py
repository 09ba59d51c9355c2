"""Text for people: tables, colours, times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pyflow_cli.output import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1"}

STATUS_COLORS = {
    "completed": "green",
    "failed": "red",
    "blocked": "red",
    "cancelled": "yellow",
    "running": "blue",
    "waiting": "cyan",
    "pending": "cyan",
}
_KIB = 1024
_SIZES = (("GiB", _KIB**3), ("MiB", _KIB**2), ("KiB", _KIB))
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class Cell(NamedTuple):
    """The text of a cell, and its colour."""

    text: str
    color: str | None = None


def paint(text: str, name: str | None, *, color: bool) -> str:
    """The text in a colour, where colours are wanted."""
    return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if color and name else text


def status_cell(status: str) -> Cell:
    """A status in its colour."""
    return Cell(status, STATUS_COLORS.get(status))


def table(head: Sequence[str], rows: Sequence[Sequence[str | Cell]], *, color: bool) -> list[str]:
    """Columns under their heads, as wide as what is in them; one line a row, whatever the cells hold."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [
        max(len(text) for text, _ in column) for column in zip([Cell(name) for name in head], *cells, strict=True)
    ]
    lines = [[Cell(name.upper(), "dim") for name in head], *cells]
    return [_row(line, widths, color=color) for line in lines]


def _cell(value: str | Cell) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return cell._replace(text=one_line(cell.text))


def _row(cells: Sequence[Cell], widths: Sequence[int], *, color: bool) -> str:
    padded = (
        paint(text, name, color=color) + " " * (width - len(text))
        for (text, name), width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def shorten(text: str, width: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def duration_text(seconds: float) -> str:
    """`3 ms`, `1.2 s`, `4 m 5 s`, `2 d 3 h`: the two largest units."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    parts: list[str] = []
    rest = round(seconds)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def size_text(size: int) -> str:
    """`900 B`, `31.9 KiB`, `4 MiB`: in the largest unit that is not larger."""
    if size < _KIB:
        return f"{size} B"
    unit, factor = next(((unit, factor) for unit, factor in _SIZES if size >= factor), _SIZES[-1])
    return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"


def clock_text(at: float) -> str:
    """The time of day on the clock of whoever reads it."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")


def date_text(at: float) -> str:
    """The date and the time on the clock of whoever reads it."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
