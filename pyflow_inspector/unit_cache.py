"""The units that have been read, all in one entry of the cache, because to open a file for each takes longer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pyflow_inspector.plain import NotPlainError
from pyflow_inspector.unit_lines import UnitLines, parse_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_inspector.cache import Cache
    from pyflow_inspector.unit import UnitReport
    from pyflow_inspector.unit_outline import OutlinedUnit

_NAME = "units"
_SPARE = 64
"""How many units that nobody asked for may stay."""


class UnitCache:
    """The units of one project. What is new is kept by `save`."""

    def __init__(self, cache: Cache, key: str) -> None:
        self._cache = cache
        self._key = key
        self._kept = _read(cache.load(_NAME, key))
        self._asked: set[str] = set()
        self._has_news = False

    def load(self, unit: str, is_current: Callable[[UnitReport], bool]) -> OutlinedUnit | None:
        """The unit, if it was kept and is still as it was read."""
        self._asked.add(unit)
        lines = self._kept.get(unit)
        if lines is None:
            return None
        try:
            known = parse_lines(lines)
        except NotPlainError:
            return None
        return known if known.outline.unit == unit and is_current(known.outline) else None

    def store(self, unit: str, lines: UnitLines) -> None:
        """Keep a unit; it takes the place of what was known of it."""
        self._asked.add(unit)
        self._kept[unit] = lines
        self._has_news = True

    def save(self) -> None:
        """Write what is kept, if there is anything new, without the units that are gone once there are many."""
        if not self._has_news:
            return
        if len(self._kept) > 2 * len(self._asked) + _SPARE:
            self._kept = {unit: lines for unit, lines in self._kept.items() if unit in self._asked}
        names = json.dumps(list(self._kept), separators=(",", ":")).encode()
        self._cache.store(_NAME, self._key, [names, *(line for lines in self._kept.values() for line in lines)])
        self._has_news = False


def _read(lines: list[bytes] | None) -> dict[str, UnitLines]:
    """The names stand in the first line, and two lines for each come after."""
    if lines is None:
        return {}
    try:
        names: Any = json.loads(lines[0])
        return {name: UnitLines(*pair) for name, *pair in zip(names, lines[1::2], lines[2::2], strict=True)}
    except (ValueError, RecursionError, TypeError):
        return {}
