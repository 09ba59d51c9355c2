"""The units that have been read, all in one entry of the cache, because to open a file for each takes longer.

Each has two lines, so that who wants to know the findings of a project need not read the larger one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyflow_inspector.plain import NotPlainError, from_plain, to_plain
from pyflow_inspector.unit import UnitReport
from pyflow_inspector.unit_outline import Flows, OutlinedUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_inspector.cache import Cache

_NAME = "units"
_SPARE = 64
"""How many units that nobody asked for may stay."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """A unit as it is kept."""

    outline: bytes
    flows: bytes


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
            outline = from_plain(UnitReport, json.loads(lines.outline))
        except (ValueError, RecursionError, NotPlainError):
            return None
        if outline.unit != unit or not is_current(outline):
            return None
        return OutlinedUnit(outline, lambda: _parse_flows(lines.flows, len(outline.workflows)))

    def store(self, unit: OutlinedUnit) -> None:
        """Keep a unit; it takes the place of what was known of it."""
        self._asked.add(unit.outline.unit)
        self._kept[unit.outline.unit] = _Lines(_line(unit.outline), _line(unit.flows))
        self._has_news = True

    def save(self) -> None:
        """Write what is kept, if there is anything new, without the units that are gone once there are many."""
        if not self._has_news:
            return
        if len(self._kept) > 2 * len(self._asked) + _SPARE:
            self._kept = {unit: lines for unit, lines in self._kept.items() if unit in self._asked}
        lines = [line for kept in self._kept.values() for line in (kept.outline, kept.flows)]
        self._cache.store(_NAME, self._key, [_line_of(list(self._kept)), *lines])
        self._has_news = False


def _read(lines: list[bytes] | None) -> dict[str, _Lines]:
    """The names stand in the first line, and two lines for each come after."""
    if lines is None:
        return {}
    try:
        names: Any = json.loads(lines[0])
        return {name: _Lines(*pair) for name, *pair in zip(names, lines[1::2], lines[2::2], strict=True)}
    except (ValueError, RecursionError, TypeError):
        return {}


def _parse_flows(line: bytes, wanted: int) -> Flows:
    try:
        flows = from_plain(Flows, json.loads(line))
    except (ValueError, RecursionError) as error:
        raise NotPlainError("this is no JSON") from error
    if len(flows.all) != wanted:
        raise NotPlainError("these are the flows of another unit")
    return flows


def _line(value: object) -> bytes:
    return _line_of(to_plain(value))


def _line_of(plain: Any) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()
