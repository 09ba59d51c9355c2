from __future__ import annotations

from datetime import timedelta

import pytest

from pyflow_core.duration import parse_duration
from pyflow_core.errors import InvalidDurationError


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0.0),
        (30, 30.0),
        (1.5, 1.5),
        (timedelta(minutes=2), 120.0),
        ("30s", 30.0),
        ("0s", 0.0),
        ("1.5h", 5400.0),
        ("250ms", 0.25),
        ("7d", 604_800.0),
        ("2w", 1_209_600.0),
        ("1h30m", 5400.0),
        (" 1 h 30 m ", 5400.0),
        ("1H30M", 5400.0),
    ],
)
def test_a_duration_is_given_in_seconds(written, seconds):
    result = parse_duration(written)
    assert result == seconds and type(result) is float


@pytest.mark.parametrize(
    "written", ["", " ", "30", "s", "-5s", "1h30", "3 0s", "1.s", "5 parsecs", "1e3s", "٣s", "5s\0"]
)
def test_text_that_is_no_duration_is_refused_with_examples(written):
    with pytest.raises(InvalidDurationError, match=r"write seconds, or text such as '30s'"):
        parse_duration(written)


@pytest.mark.parametrize("written", [True, None, b"5s", [5], 1j])
def test_other_types_are_refused(written):
    with pytest.raises(InvalidDurationError, match="write a timedelta, seconds"):
        parse_duration(written)


@pytest.mark.parametrize(
    "written",
    [
        -1,
        -0.5,
        float("nan"),
        float("inf"),
        float("-inf"),
        10**400,
        -(10**400),
        pytest.param(10**5000, id="an integer too long for text"),
        "9" * 400 + "s",
        timedelta(days=-1),
        timedelta.max,
    ],
)
def test_negative_and_endless_durations_are_refused_in_few_words(written):
    with pytest.raises(InvalidDurationError, match="must be from 0 to 1,000 years") as caught:
        parse_duration(written)
    assert len(caught.value.message) < 200
