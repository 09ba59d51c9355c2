# ruff: noqa: DTZ001, DTZ901 - naive times and odd literals are values under test

from __future__ import annotations

import collections
import enum
import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from pyflow_core.codec import PLAIN, hash_text
from pyflow_core.codec.same import require_same
from pyflow_core.errors import InvalidInputError, StoredValueError, UndeclaredResultTypeError, UnserialisableValueError


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int


class Name(str):
    __slots__ = ()


def nested(levels: int, wrap=lambda inner: [inner]):
    value = 1
    for _ in range(levels):
        value = wrap(value)
    return value


JSON_NATIVE = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    -(10**400),
    1.0,
    -0.0,
    0.1,
    1e22,
    5e-324,
    1.7976931348623157e308,
    "",
    "text",
    'quote " backslash \\ newline \n nul \0 del \x7f',
    "größe 注文 🚀 \u2028",
    '{"$uuid":',
    [],
    {},
    [1, [2, [3.5, None]]],
    {"a": {"b": [True]}, "": 1, "ü": 2},
    {"$ref": 1, "b": 2},
]

TAGGED = [
    float("nan"),
    float("inf"),
    float("-inf"),
    b"",
    b"\xff\x00text",
    (),
    (1, "a", None),
    ((),),
    set(),
    {1, 2, 3},
    {"b", "a"},
    {1, "a", None, (2,), 1.5, b"x"},
    frozenset({frozenset({1}), frozenset()}),
    {1: "a", "1": "b"},
    {(1, 2): {3: 4}},
    {None: 1, True: 2, 1.5: 3, b"k": 4, date(2020, 1, 1): 5},
    datetime(2024, 2, 29, 12, 0, 1, 5),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=-5, minutes=-30, seconds=-7))),
    datetime.min,
    datetime.max,
    date(1, 1, 1),
    time(23, 59, 59, 999_999),
    time(1, tzinfo=timezone(timedelta(hours=1))),
    timedelta(days=-1, microseconds=1),
    timedelta.max,
    timedelta.min,
    UUID(int=5),
    Decimal("1.500"),
    Decimal("-0"),
    Decimal("1E+1000"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("-Infinity"),
    {"when": [datetime(2024, 1, 1), {"id": (UUID(int=1),)}]},
]

LOOKS_LIKE_A_TAG = [
    {"$uuid": "no uuid"},
    {"$uuid": {"$uuid": 1}},
    {"$typed": 1},
    {"$dict": [[1, 2]]},
    {"$": 1},
    {"$unknown": None},
    [{"$ref": "payloads/x"}],
    {"$set": {"name": 1}},
    {"a": {"$tuple": []}},
    {"$tuple": (1, 2)},
]

REFUSED_BY_PARSERS = [
    "\ud800",
    "a\udfffb",
    "\ud83d\ude00",
    {"\ud800": 1},
    [{"a": ("\udc00", 1)}],
    {"\ud800"},
    10**5000,
    -(10**4300),
    {10**5000: "x"},
    [10**4299, 10**4300],
    ["9" * 5000],
]


def text_id(value):
    return ascii(value)[:40] if not isinstance(value, int) else f"int {value.bit_length()} bits"


@pytest.mark.parametrize("value", JSON_NATIVE + TAGGED + LOOKS_LIKE_A_TAG)
def test_plain_values_come_back_as_they_were(value):
    text, fresh = PLAIN.round_trip(value)
    require_same(value, fresh)
    require_same(value, PLAIN.decode(text))
    assert PLAIN.encode(fresh) == text
    text.encode()


@pytest.mark.parametrize("value", [pytest.param(value, id=str(i)) for i, value in enumerate(REFUSED_BY_PARSERS)])
def test_what_json_parsers_refuse_comes_back_too(value):
    text, fresh = PLAIN.round_trip(value)
    assert fresh == value
    text.encode()
    assert hash_text(text) == PLAIN.canonical_hash(fresh)


@pytest.mark.parametrize("value", JSON_NATIVE)
def test_what_json_knows_is_written_as_json(value):
    assert json.loads(PLAIN.encode(value)) == value


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": -math.inf}, (math.nan,)])
def test_the_text_is_json_even_for_numbers_that_json_does_not_know(value):
    json.loads(PLAIN.encode(value), parse_constant=pytest.fail)


def test_integers_floats_and_booleans_are_told_apart():
    assert [type(item) for item in PLAIN.decode(PLAIN.encode([1, 1.0, True]))] == [int, float, bool]


def test_the_sign_of_zero_is_kept():
    assert str(PLAIN.decode(PLAIN.encode(-0.0))) == "-0.0"


def test_dictionaries_keep_their_order():
    for value in ({"b": 1, "a": 2}, {2: 1, 1: 2}):
        assert list(PLAIN.decode(PLAIN.encode(value))) == list(value)


def test_decoded_values_share_nothing():
    inner = [1]
    value = {"a": inner, "b": inner}
    _, fresh = PLAIN.round_trip(value)
    assert fresh["a"] is not inner and fresh["a"] is not fresh["b"]


@pytest.mark.parametrize(
    ("value", "path", "name"),
    [
        (Colour.RED, "value:", "Colour"),
        (Level.LOW, "value:", "Level"),
        (Name("x"), "value:", "Name"),
        ({"a": [1, Point(1)]}, "value['a'][1]:", "Point"),
        ((0, {3: Fraction(1, 2)}), "value[1][3]:", "Fraction"),
        ({(Colour.RED,)}, "value[…]:", "Colour"),
        ({Colour.RED: 1}, f"value[{Colour.RED!r}]:", "Colour"),
        (collections.OrderedDict(a=1), "value:", "OrderedDict"),
        (bytearray(b"x"), "value:", "bytearray"),
        (object(), "value:", "object"),
        (type("T", (datetime,), {})(2020, 1, 1), "value:", "T"),
    ],
)
def test_classes_that_nothing_declares_are_refused_by_name(value, path, name):
    with pytest.raises(UndeclaredResultTypeError) as caught:
        PLAIN.encode(value)
    assert caught.value.message.startswith(f"{path} it is of type ")
    assert f"say `returns={name}`" in caught.value.message


def test_the_message_names_the_module_of_the_class():
    with pytest.raises(UndeclaredResultTypeError, match=rf"of type {__name__}\.Point, which nothing declares"):
        PLAIN.encode(Point(1))


@pytest.mark.parametrize("value", [print, lambda: 1, int, "".join, (item for item in "ab")])
def test_functions_and_classes_are_no_values(value):
    with pytest.raises(UnserialisableValueError, match=r"value\['callback'\]: \w+ is not serialisable"):
        PLAIN.encode({"callback": value})


def test_a_time_whose_offset_is_unknown_is_refused():
    with pytest.raises(UnserialisableValueError, match="Europe/Berlin"):
        PLAIN.encode(time(1, tzinfo=ZoneInfo("Europe/Berlin")))


def test_an_offset_with_a_fraction_of_a_second_is_refused():
    odd = timezone(timedelta(microseconds=1))
    for value in (datetime(2020, 1, 1, tzinfo=odd), time(1, tzinfo=odd)):
        with pytest.raises(UnserialisableValueError, match="fraction of a second"):
            PLAIN.encode(value)


def test_a_named_zone_becomes_its_offset():
    berlin = datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    fresh = PLAIN.decode(PLAIN.encode(berlin))
    assert fresh.utcoffset() == timedelta(hours=1) and fresh.timestamp() == berlin.timestamp()


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: (v,), lambda v: {1: v}, lambda v: frozenset({v})]
)
def test_deep_values_are_refused_with_a_short_path(wrap):
    PLAIN.decode(PLAIN.encode(nested(55, wrap)))
    with pytest.raises(UnserialisableValueError, match="nested more than 180 levels") as caught:
        PLAIN.encode(nested(5000, wrap))
    assert len(caught.value.message) < 300


def test_every_depth_that_can_be_written_can_be_read():
    for wrap in (lambda v: [v], lambda v: {"a": v}, lambda v: (v,), lambda v: {1: v}, lambda v: {"$a": v}):
        for levels in range(40, 185):
            try:
                text = PLAIN.encode(nested(levels, wrap))
            except UnserialisableValueError:
                break
            assert PLAIN.decode(text) == nested(levels, wrap)
            hash_text(text)
        else:
            pytest.fail("no depth was refused")


def test_values_that_contain_themselves_are_refused():
    value = []
    value.append({"again": value})
    with pytest.raises(UnserialisableValueError, match="or contains itself"):
        PLAIN.encode(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        "'a'",
        '"\\ud800"',
        '{"$new":1}',
        '{"$uuid":"x"}',
        '{"$uuid":5}',
        '{"$tuple":"abc"}',
        '{"$set":{"a":1}}',
        '{"$set":[[]]}',
        '{"$dict":[[1]]}',
        '{"$dict":[[[],1]]}',
        '{"$timedelta":[1e400]}',
        '{"$timedelta":[99999999999,0,0]}',
        '{"$decimal":"x"}',
        '{"$float":"x"}',
        '{"$bytes":"!"}',
        '{"$str":"/w=="}',
        '{"$int":"0xzz"}',
        '{"$datetime":"2020-13-01"}',
        '[{"a":{"$date":null}}]',
        "[" * 300 + "]" * 300,
    ],
)
def test_text_that_no_codec_wrote_is_refused(text):
    with pytest.raises(StoredValueError):
        PLAIN.decode(text)


def test_refusals_do_not_quote_the_payload():
    with pytest.raises(StoredValueError) as caught:
        PLAIN.decode('{"$uuid":"' + "secret" * 100 + '"}')
    assert "secret" not in caught.value.message


def test_input_is_read_as_json_and_not_as_tags():
    assert PLAIN.from_json_input('{"$uuid": "x"}') == {"$uuid": "x"}
    for text in ("{", b"\xff", "NaN"):
        with pytest.raises(InvalidInputError, match="the input is no JSON"):
            PLAIN.from_json_input(text)
