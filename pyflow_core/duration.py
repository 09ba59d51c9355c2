"""Durations as authors write them."""

from __future__ import annotations

import re
from datetime import timedelta
from math import inf

from pyflow_core.errors import InvalidDurationError

Duration = timedelta | float | int | str
"""A `timedelta`, seconds, or text such as `"30s"`, `"1h30m"`, `"7d"`, `"250ms"`."""

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|[smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")
_MAX_SECONDS = 1000 * 365 * _UNIT_SECONDS["d"]  # so that a time of today plus a duration is a time


def parse_duration(value: Duration) -> float:
    """The duration in seconds.

    Raises:
        InvalidDurationError: for text that is no duration, and for one that is negative or longer than 1,000 years.
    """
    seconds = _text_seconds(value) if isinstance(value, str) else _number_seconds(value)
    if not 0 <= seconds <= _MAX_SECONDS:
        raise InvalidDurationError(f"{_shorten(value)} is no duration: it must be from 0 to 1,000 years")
    return seconds


def _text_seconds(value: str) -> float:
    text = value.strip().lower()
    if _WHOLE.fullmatch(text) is None:
        raise InvalidDurationError(
            f"{_shorten(value)} is no duration: write seconds, or text such as '30s', '1h30m', '7d'"
        )
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))


def _number_seconds(value: object) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidDurationError(
            f"{_shorten(value)} is no duration: write a timedelta, seconds, or text such as '30s'"
        )
    # An integer may be too large for a float.
    return float(seconds) if 0 <= seconds <= _MAX_SECONDS else inf


def _shorten(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 200 else "a very large number"
    return text if len(text) <= 80 else f"{text[:77]}…"
