from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, Field

from pyflow_core.codec import codec_for
from pyflow_core.errors import InvalidInputError


class Item(BaseModel):
    price: float = Field(gt=0)


class Order(BaseModel):
    email: str
    items: list[Item] = []
    customer_id: int = Field(default=0, alias="customerId")


def refused(annotation: object, text: str | bytes) -> list[str]:
    with pytest.raises(InvalidInputError) as caught:
        codec_for(annotation).from_json_input(text)
    return caught.value.message.split("\n")


def test_input_is_validated():
    order = codec_for(Order).from_json_input('{"email": "a@b.c", "items": [{"price": "1.5"}]}')
    assert order == Order(email="a@b.c", items=[Item(price=1.5)])


def test_input_may_use_names_and_aliases():
    for name in ("customerId", "customer_id"):
        assert codec_for(Order).from_json_input(f'{{"email": "", "{name}": 7}}').customer_id == 7


def test_each_field_that_does_not_fit_has_its_line():
    assert refused(Order, '{"items": [{"price": -1}, {"price": "secret"}]}') == [
        f"the input is no {__name__}.Order:",
        "  email: Field required",
        "  items[0].price: Input should be greater than 0",
        "  items[1].price: Input should be a valid number, unable to parse string as a number",
    ]


def test_a_value_that_does_not_fit_at_all_has_one_line():
    assert refused(timedelta, "[]") == ["the input is no datetime.timedelta:", "  Input should be a valid duration"]


@pytest.mark.parametrize("text", ["", "{", "nope", b"\xff", "{'a': 1}"])
def test_text_that_is_no_json_is_told(text):
    assert refused(Order, text)[1].startswith("  Invalid JSON: ")


def test_what_a_validator_raises_is_told():
    def explode(value):
        raise LookupError("no such thing")

    assert refused(Annotated[int, AfterValidator(explode)], "1")[1] == "  LookupError: no such thing"


def test_long_lists_of_errors_are_cut():
    lines = refused(list[int], "[" + ",".join(["{}"] * 50) + "]")
    assert len(lines) == 10 and lines[-1] == "  and 42 more"
