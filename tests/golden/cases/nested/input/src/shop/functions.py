"""Names of every kind: nested, keywords, builtins, hyphens; types of every kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional

from pyflow_core import wire_rpc


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Item:
    number: int
    color: Color
    price: Decimal


@dataclass
class Page:
    items: list[Item]
    next: str | None


@wire_rpc("items.list")
async def list_items(data: Mapping[str, Sequence[int]]) -> list[Item] | None:
    return []


@wire_rpc("items.by-color")
async def by_color(data: Literal["red", "blue"] | Color) -> dict[Color, list[Item]]:
    return {}


@wire_rpc("items.archive.import")
async def import_items(data: Annotated[list[Item], "checked"]) -> tuple[int, ...]:
    return ()


@wire_rpc("items.archive.pages.first")
async def first_page() -> "Page":
    return Page([], None)


@wire_rpc("now")
async def now() -> datetime:
    return datetime(2026, 1, 1)


@wire_rpc("echo")
async def echo(data: Any) -> Any:
    return data


@wire_rpc("find")
def find(data: Optional[int]) -> None:
    return None
