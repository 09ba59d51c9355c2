"""A unit as two lines of JSON, which is how it comes from a reader and how it is kept.

Who wants to know the findings of a project need not look into the second line, which is the larger one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyflow_inspector.plain import NotPlainError, from_plain, to_plain
from pyflow_inspector.unit import UnitReport
from pyflow_inspector.unit_outline import Flows, OutlinedUnit, outlined

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class UnitLines:
    """Neither line has an end."""

    outline: bytes
    flows: bytes

    def __iter__(self) -> Iterator[bytes]:
        yield self.outline
        yield self.flows


@dataclass(frozen=True, slots=True)
class FreshUnit:
    """A unit that has just been read, and what is kept of it."""

    unit: OutlinedUnit
    lines: UnitLines


def fresh_unit(report: UnitReport) -> FreshUnit:
    """The unit that a report is about."""
    return FreshUnit(outlined(report), lines_of(report))


def lines_of(report: UnitReport) -> UnitLines:
    """The lines of a unit that has been read."""
    unit = outlined(report)
    return UnitLines(_line(unit.outline), _line(unit.flows))


def parse_lines(lines: UnitLines) -> OutlinedUnit:
    """The unit that lines were made of; its flows are parsed when they are asked for.

    Raises:
        NotPlainError: the first line is of something else.
    """
    outline = from_plain(UnitReport, _parse(lines.outline))
    return OutlinedUnit(outline, lambda: _parse_flows(lines.flows, len(outline.workflows)))


def _parse_flows(line: bytes, wanted: int) -> Flows:
    flows = from_plain(Flows, _parse(line))
    if len(flows.all) != wanted:
        raise NotPlainError("these are the flows of another unit")
    return flows


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotPlainError("this is no JSON") from error


def _line(value: object) -> bytes:
    return json.dumps(to_plain(value), separators=(",", ":")).encode()
