from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal, NewType

from pydantic import BaseModel


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = enum.auto()
    HIGH = 10
    HIGHEST = enum.auto()


class Word(enum.StrEnum):
    Yes = enum.auto()
    No = enum.auto()


class Only(enum.Enum):
    ONE = 1


UserId = NewType("UserId", int)
Answer = Literal["yes", "no"]
Names = dict[str, list[str]]


class Base(BaseModel):
    """What all have."""

    id: UserId
    note: str | None = None


@dataclass
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list)
    hidden: int = field(default=1, init=False)
