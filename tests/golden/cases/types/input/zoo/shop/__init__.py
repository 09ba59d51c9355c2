"""RPCs and workflows in an `__init__.py`, with relative imports and other names for them."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import zoo.kinds as k
from pyflow_core import wire_rpc, wire_workflow

from .. import kinds
from ..kinds import Color, Order, Page, Pair, Point
from ..kinds import Options as Settings

if TYPE_CHECKING:
    from zoo_gen.all_types import Workflow


@wire_rpc("page.read")
async def page(data: kinds.Page[k.Order.Line]) -> dict[kinds.UserId, Page[int]]:
    return {}


@wire_rpc("page.level")
async def level(data: Literal[-1, 0, "a", True, None, b"x", Color.RED]) -> kinds.Level:
    return 0


@wire_rpc("page.points")
async def points(data: k.Points) -> Optional[Point]:  # noqa: UP045
    return data[0]


@wire_rpc("page.pairs")
async def pairs(data: Annotated[list[Annotated[int, 3]], "x"]) -> "tuple[Pair, *tuple[str, ...]]":
    return (Pair("a", 1),)


@wire_rpc("page.only")
async def only(data: tuple[*tuple[k.Either, ...]]) -> k.Small:
    return 1


@wire_rpc("page.hidden")
async def hidden(data: k._Hidden) -> tuple[()]:
    return ()


@wire_rpc("page.note")
async def note(data: Settings) -> Order.Line.Note:
    return Order.Line.Note(text="")


@wire_workflow("all.types")
async def all_types(data: Settings | Page[Point], *, workflow: Workflow) -> Page[dict[str, Any]] | None:
    read = await workflow.do("read", "page.read", kinds.Page(items=[Order.Line(notes=[])]))
    first = await workflow.do("points", "page.points", [Point(1, 2)])
    pair, *_ = await workflow.do("pairs", "page.pairs", [first.x if first else 0])
    await workflow.do("level", "page.level", -1)
    await workflow.do("level-red", "page.level", Color.RED)
    await workflow.do("only", "page.only", (pair, Point(1, 2)))
    await workflow.do("hidden", "page.hidden", k._Hidden(secret=""))
    text = (await workflow.do("note", "page.note", {"size": 1})).text
    return Page(items=[{text: read[kinds.UserId("a")].items}])
