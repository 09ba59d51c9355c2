from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NotRequired, Optional, Required, Union
from uuid import UUID

import pydantic
from annotated_types import Gt, Len, MinLen
from pydantic import BaseModel, ConfigDict, Field, RootModel
from typing_extensions import TypedDict

from . import base
from .base import Answer, Base, Color, Level, Names, Only, Point, Word


class Scalars(BaseModel):
    text: str
    number: int
    real: float
    flag: bool
    anything: Any
    nothing: None
    moment: datetime
    day: date
    hour: time
    span: timedelta
    key: UUID
    raw: bytes
    price: Decimal


class Containers(BaseModel):
    names: list[str]
    unique: set[int]
    frozen: frozenset[str] = frozenset()
    pair: tuple[int, str]
    many: tuple[int, ...]
    bare: list
    empty: tuple[()]
    table: dict[str, int]
    open: dict[str, Any]
    colors: dict[Color, int]
    choices: dict[Literal["a", "b"], int]
    sequence: Sequence[Point]
    mapping: Mapping[str, Sequence[float]]
    alias: Names


class Choices(BaseModel):
    maybe: Optional[int]
    either: Union[int, str, None]
    both: int | list[str]
    color: Color
    level: Level
    word: Word
    only: Only
    answer: Answer
    literal: Literal[1, "a", None, True, -3]
    nested: Literal["x"] | None = None
    quoted: "list[Color]"
    qualified: base.Color


class Limits(BaseModel):
    age: int = Field(gt=0, le=150, description="In years")
    name: str = Field(min_length=1, max_length=20, pattern="^[a-z]+$")
    items: list[int] = Field(default_factory=list, max_length=3)
    table: dict[str, int] = Field(default={}, min_length=0)
    ratio: Annotated[float, Field(ge=0, lt=1)] = 0.5
    even: Annotated[int, Field(multiple_of=2)]
    many: Annotated[list[Annotated[int, Gt(0)]], MinLen(1)]
    short: Annotated[str, Len(1, 3)]
    maybe: int | None = Field(default=None, ge=1)
    positive: pydantic.PositiveInt
    defaulted: Annotated[int, Field(default=3)]


class Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: int = Field(alias="outer")
    annotated: Annotated[int, Field(alias="other")]
    shared: ClassVar[int] = 1
    _private: int = 2


class Open(BaseModel, extra="allow"):
    known: int


class Derived(Base):
    """More than the base."""

    note: str = "n"
    more: int = 1


class Tree(BaseModel):
    value: int
    children: list[Tree] = []
    parent: Tree | None = None


class Total(TypedDict):
    a: int
    b: NotRequired[str]


class Partial(TypedDict, total=False):
    c: int
    d: Required[str]


class Mixed(Total, Partial):
    e: float


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Numbers(RootModel[list[int]]):
    """Numbers alone."""


@dataclass
class Box(Point):
    z: float = 1.0
    inner: Point | None = None
    mixed: Mixed | None = None
    pair: Pair | None = None
    numbers: Numbers | None = None


class Everything(BaseModel):
    scalars: Scalars | None = None
    boxes: list[Box] = []
    derived: dict[str, Derived] = {}
    tree: Tree | None = None
