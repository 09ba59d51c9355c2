"""What conditions see of a result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyflow_core.errors import ContextExtractionError
from pyflow_core.payload.context import MAX_BYTES, check_spec, extract_context
from pyflow_core.secret import REDACTED

RESULT: dict[str, Any] = {
    "rows": 3,
    "meta": {"next/page": "p2", "~x": [10, {"y": None}]},
    "password": "p",
    "big": "x" * 2000,
}
TEXT = json.dumps(RESULT)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (["rows"], {"rows": 3}),
        (["/meta/next~1page"], {"next/page": "p2"}),
        (["/meta/~0x/1/y", "rows"], {"y": None, "rows": 3}),
        ({"first": "/meta/~0x/0"}, {"first": 10}),
        (lambda value: {"double": value["rows"] * 2}, {"double": 6}),
        (lambda value: {}, {}),
    ],
)
def test_names_pointers_and_functions_find_their_values(spec: Any, expected: dict[str, Any]) -> None:
    assert json.loads(extract_context(spec, RESULT, TEXT) or "") == expected


@pytest.mark.parametrize("spec", [[], {}, None])
def test_nothing_asked_for_is_no_context(spec: Any) -> None:
    assert extract_context(spec, RESULT, TEXT) is None


def test_secrets_do_not_get_into_a_context() -> None:
    assert json.loads(extract_context(["password"], RESULT, TEXT) or "") == {"password": REDACTED}


def fail(value: Any) -> Any:
    raise ValueError(f"the value was {value}")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (["colour"], "no 'colour'"),
        (["/meta/~0x/2"], "no '/meta/~0x/2'"),
        (["/meta/~0x/-1"], "no '/meta/~0x/-1'"),
        (["/rows/x"], "no '/rows/x'"),
        (["rows", "/rows"], "'rows' twice"),
        (["big"], "2000 characters"),
        (["/bad~2"], "neither"),
        ("rows", "must be a list"),
        ([1], "neither"),
        (fail, "raised ValueError"),
        (lambda value: 1, "returned int"),
        (lambda value: {1: 2}, "keys that are no text"),
        (lambda value: {"x": float("nan")}, "no JSON"),
        (lambda value: {"x": object()}, "no JSON"),
        (lambda value: {"x": "\ud800"}, "no JSON"),
        (lambda value: {str(n): "y" * 1000 for n in range(9)}, "8192"),
    ],
)
def test_what_cannot_be_extracted_fails_the_step_and_quotes_nothing(spec: Any, said: str) -> None:
    with pytest.raises(ContextExtractionError, match=said) as caught:
        extract_context(spec, RESULT, TEXT)
    assert "xxx" not in caught.value.message
    assert "next/page" not in caught.value.message


def test_exactly_the_most_is_allowed() -> None:
    def fill(size: int) -> dict[str, str]:
        return {f"{n:03}": "y" * 1000 for n in range(8)} | {"z": "y" * size}

    room = MAX_BYTES - len(json.dumps(fill(0), separators=(",", ":")))
    assert len(extract_context(lambda _: fill(room), RESULT, TEXT) or "") == MAX_BYTES
    with pytest.raises(ContextExtractionError):
        extract_context(lambda _: fill(room + 1), RESULT, TEXT)


def test_a_spec_is_checked_where_it_is_written() -> None:
    check_spec(["rows", "/a/b"])
    check_spec(fail)
    with pytest.raises(ContextExtractionError):
        check_spec(3)
