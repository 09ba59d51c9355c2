from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

import pytest

from pyflow_core.codec.path import BadValueError
from pyflow_core.codec.same import require_same


class Mode(StrEnum):
    FAST = "fast"


class Level(IntEnum):
    LOW = 1


@dataclass
class Point:
    x: object


BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)

SAME = [
    (1, 1),
    (1, 1.0),  # an integer is accepted where a float is declared
    (math.nan, math.nan),
    ({1, 2}, {2, 1}),
    ({1: "a"}, {1: "a"}),
    (Point([1]), Point([1])),
    (Mode.FAST, Mode.FAST),
    (datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN), datetime(2020, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2)))),
]

DIFFERENT = [
    (1.0, 1),
    (1, True),
    (True, 1),
    (True, 1.0),
    (1, Level.LOW),
    ("fast", Mode.FAST),
    (Mode.FAST, "fast"),
    (math.nan, 1.0),
    (Decimal("1.0"), Decimal("1.00")),
    (Decimal(1), 1),
    ([1], (1,)),
    ({1.0}, {1}),
    ({1}, {1, 2}),
    ({1, 2}, {1}),
    ({1}, {2}),
    ({1}, frozenset({1})),
    ([1], [1, 2]),
    ({1: 1}, {True: 1}),
    ({1: 1}, {1: 1, 2: 2}),
    ({"a": 1}, {"b": 1}),
    (Point(1.0), Point(1)),
    (Point([1]), Point([2])),
    (NOON, NOON.astimezone(BERLIN)),
    (NOON, NOON.replace(tzinfo=None)),
    (time(1, tzinfo=BERLIN), time(1)),
    (b"a", "a"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_these_are_the_same(before, after):
    for wrap in (lambda value: value, lambda value: [value], lambda value: {"a": value}, Point):
        require_same(wrap(before), wrap(after))


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_these_are_not(before, after):
    for wrap in (lambda value: value, lambda value: [value], lambda value: {"a": value}, Point):
        with pytest.raises(BadValueError):
            require_same(wrap(before), wrap(after))
