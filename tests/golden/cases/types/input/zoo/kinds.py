"""Types of every kind, in a folder that is a package without an `__init__.py`."""

# pyright: reportUnusedClass=false
from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar, Union

from pydantic import BaseModel, Field
from typing_extensions import NotRequired, TypeAliasType

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Options(TypedDict):
    size: int
    color: NotRequired[Color]


@dataclass
class Point:
    x: int
    y: int


class Pair(NamedTuple):
    first: str
    second: int


class Page(BaseModel, Generic[T]):
    items: list[T]


class Order(BaseModel):
    class Line(BaseModel):
        class Note(BaseModel):
            text: str

        notes: list[Note]

    lines: list[Line]


class _Hidden(BaseModel):
    secret: str


UserId = NewType("UserId", str)
Points = TypeAliasType("Points", "list[Point]")
Either = Union[Point, Pair]  # noqa: UP007
Small = Annotated[int, Field(ge=0)]
Level = Literal[-1, 0, 1]
