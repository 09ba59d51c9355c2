from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, RootModel

from pyflow_core.codec import PLAIN, codec_for, hash_text
from pyflow_core.errors import StoredValueError


class Tag(BaseModel, frozen=True):
    name: str
    level: int = 0


class Order(BaseModel):
    id: str
    tags: set[Tag] = set()
    codes: frozenset[str] = frozenset()
    notes: dict[str, set[int]] = {}
    prices: dict[int, float] = {}
    more: Any = None


class Names(RootModel[dict[str, set[str]]]):
    pass


@dataclass
class Basket:
    items: list[set[tuple[int, str]]] = field(default_factory=list)


def order(names, *, backwards=False):
    names = list(reversed(names)) if backwards else names
    return Order(
        id="1",
        tags={Tag(name=name) for name in names},
        codes=frozenset(names),
        notes={name: {len(name), 7} for name in names},
        prices=dict.fromkeys(range(3) if backwards else reversed(range(3)), 1.5),
        more={"set": set(names), "pairs": {name.encode(): 1 for name in names}},
    )


def test_the_order_of_sets_and_keys_makes_no_difference():
    names = [f"name-{index}" for index in range(20)]
    codec = codec_for(Order)
    assert codec.canonical_hash(order(names)) == codec.canonical_hash(order(names, backwards=True))


def test_plain_values_hash_like_their_equals():
    assert PLAIN.canonical_hash({1: "a", 2: "b"}) == PLAIN.canonical_hash({2: "b", 1: "a"})
    assert PLAIN.canonical_hash({"a": {(1,): 1, (2,): 2}}) == PLAIN.canonical_hash({"a": {(2,): 2, (1,): 1}})


def test_pairs_of_the_users_own_are_not_reordered():
    # It only looks like our tag for dictionaries.
    assert PLAIN.canonical_hash({"$dict": [[1, 2], [0, 1]]}) != PLAIN.canonical_hash({"$dict": [[0, 1], [1, 2]]})
    codec = codec_for(dict[str, list[list[int]]])
    assert codec.canonical_hash({"$dict": [[1, 2], [0, 1]]}) != codec.canonical_hash({"$dict": [[0, 1], [1, 2]]})


def test_only_an_object_that_is_nothing_but_pairs_is_a_dictionary():
    assert PLAIN.canonical_hash({"$dict": [2, 1], "b": {1: 1}}) != PLAIN.canonical_hash({"$dict": [1, 2], "b": {1: 1}})


# In a set of this size 0 and 8 come in the order in which they were added.
FORWARD, BACKWARD = [0, 8], [8, 0]


@pytest.mark.parametrize(
    ("annotation", "make"),
    [
        (set[int], set),
        (frozenset[int], frozenset),
        (set[int] | None, set),
        (list[set[int]], lambda items: [set(items), set(items)]),
        (dict[str, frozenset[int]], lambda items: {"a": frozenset(items)}),
        (RootModel[dict[str, set[int]]], lambda items: RootModel[dict[str, set[int]]]({"a": set(items)})),
        (RootModel[list[set[int]]], lambda items: RootModel[list[set[int]]]([set(items)])),
        (tuple[int, set[Tag]], lambda items: (1, {Tag(name="", level=item) for item in items})),
        (Order, lambda items: Order(id="", notes={"a": set(items)})),
        (Basket, lambda items: Basket([{(item, "") for item in items}])),
        (Annotated[set[int], AfterValidator(lambda value: value)], set),
        (Annotated[list[int], AfterValidator(set)], set),
        (Any, set),
        (dict[str, Any], lambda items: {"a": frozenset(items)}),
    ],
)
def test_every_set_is_sorted(annotation, make):
    assert list(set(FORWARD)) != list(set(BACKWARD))
    codec = codec_for(annotation)
    assert codec.encode(make(FORWARD)) == codec.encode(make(BACKWARD))


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 2), (1, "1"), ([1, 2], [2, 1]), ((1,), [1]), ({1}, frozenset({1})), ({"a": 1}, {"a": None}), (0.0, -0.0)],
)
def test_different_values_have_different_hashes(left, right):
    assert PLAIN.canonical_hash(left) != PLAIN.canonical_hash(right)


def test_hashes_of_text_and_value_agree():
    for codec, value in ((codec_for(Order), order(["a", "b"])), (PLAIN, {"b": 1, "a": {2, 3}}), (codec_for(int), 5)):
        text = codec.encode(value)
        assert hash_text(text) == codec.canonical_hash(value) == codec.rehash(text)


def test_text_that_is_no_json_has_no_hash():
    with pytest.raises(StoredValueError):
        hash_text("{")


SAMPLE = """
from pydantic import BaseModel
from pyflow_core.codec import PLAIN, codec_for
class Names(BaseModel):
    names: set[str]
    inner: dict[str, frozenset[str]]
names = [f"n{i}" for i in range(50)]
codec = codec_for(Names)
print(codec.canonical_hash(Names(names=set(names), inner={"a": frozenset(names)})), PLAIN.encode({"x": set(names)}))
print(codec.encode(Names(names=set(names), inner={"a": frozenset(names)})))
"""


def test_every_process_writes_the_same():
    results = {
        subprocess.run(
            [sys.executable, "-c", SAMPLE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(results) == 1


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Order, order(["a", "b", "c"])),
        (Names, Names({"a": {"x", "y", "z"}, "b": set()})),
        (Basket, Basket([{(2, "b"), (1, "a")}, set()])),
        (list[set[str] | None], [{"b", "a"}, None]),
        (set[frozenset[int]], {frozenset({2, 1}), frozenset({3, 4})}),
        (dict[str, Any], {"s": {3, 1}}),
    ],
)
def test_what_was_read_again_is_written_the_same(annotation, value):
    codec = codec_for(annotation)
    text, fresh = codec.round_trip(value)
    assert codec.encode(fresh) == text
    assert codec.rehash(text) == codec.canonical_hash(value)


def test_converted_values_hash_like_what_they_become():
    @dataclass
    class Price:
        amount: float
        active: bool

    codec = codec_for(Price)
    text = codec.encode(Price(1, 1))
    assert hash_text(text) == codec.canonical_hash(Price(1.0, True)) == codec.rehash(text)


def test_a_new_field_with_a_default_makes_no_difference_after_reading_again():
    class Old(BaseModel):
        b: int
        a: int

    class New(BaseModel):
        a: int
        b: int
        c: str = "new"

    recorded = codec_for(Old).encode(Old(a=1, b=2))
    codec = codec_for(New)
    assert codec.rehash(recorded) == codec.canonical_hash(New(a=1, b=2))
    assert codec.rehash(recorded) != codec.canonical_hash(New(a=1, b=3))


def test_one_moment_in_two_zones_is_two_inputs():
    # They are equal to Python, but a step can see the difference.
    codec = codec_for(datetime)
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert codec.canonical_hash(moment) != codec.canonical_hash(moment.astimezone(timezone(timedelta(hours=1))))
