"""What goes through a step comes back equal, of its declared type, and unshared; live as on replay, in every store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from engine_bench import Mode, async_test, replay
from pydantic import BaseModel
from typing_extensions import TypedDict

from pyflow_core import StepFailedError, wire_rpc, wire_workflow
from pyflow_core.errors import InvalidInputError

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


class Colour(Enum):
    RED = "red"


class Address(BaseModel):
    street: str
    since: date | None = None


class User(BaseModel):
    id: UUID
    address: Address
    balance: Decimal
    tags: set[str] = set()
    colour: Colour = Colour.RED


@dataclass
class Point:
    x: int
    y: float = 0.5
    path: list[Address] = field(default_factory=list)


class Receipt(TypedDict):
    number: str
    paid_at: datetime


class Cat(BaseModel):
    meows: bool = True


class Dog(BaseModel):
    barks: int = 3


USER = User(
    id=UUID(int=7),
    address=Address(street="Ü\x1f😀 'quoted' \\", since=date(2024, 2, 29)),
    balance=Decimal("10.50"),
    tags={"b", "a"},
)
VALUES: list[tuple[str, Any, Any]] = [
    ("zero", int, 0),
    ("false", bool, False),
    ("none", type(None), None),
    ("empty text", str, ""),
    ("empty list", list[int], []),
    ("empty dict", dict[str, int], {}),
    ("big int", int, 2**70),
    ("float", float, 0.1),
    ("whole float", float, 1.0),
    ("infinity", float, float("inf")),
    ("text that looks like JSON", str, '{"$type": "x"}'),
    ("text that looks like a date", str, "2024-01-01"),
    ("datetime", datetime, datetime(2024, 2, 29, 12, 30, 1, 5, tzinfo=UTC)),
    ("naive datetime", datetime, datetime(2024, 2, 29, 12, 30)),  # noqa: DTZ001
    ("timedelta", timedelta, timedelta(days=-1, microseconds=3)),
    ("uuid", UUID, UUID(int=3)),
    ("decimal", Decimal, Decimal("1.10")),
    ("bytes", bytes, b"\x00\xff"),
    ("tuple", tuple[int, str], (1, "a")),
    ("set", set[int], {3, 1, 2}),
    ("frozenset", frozenset[str], frozenset({"x"})),
    ("enum", Colour, Colour.RED),
    ("nested model", User, USER),
    ("list of models", list[User], [USER, USER]),
    ("dataclass", Point, Point(1, 2.0, [Address(street="s")])),
    ("typed dict", Receipt, {"number": "n", "paid_at": datetime(2024, 1, 1, tzinfo=UTC)}),
    ("union of models", Cat | Dog, Dog(barks=1)),
    ("other arm of the union", Cat | Dog, Cat(meows=False)),
    ("union of scalars", int | str | None, "5"),
    ("dict by int", dict[int, str], {1: "a", 2: "b"}),
]
UNDECLARED = {"zero", "false", "none", "empty text", "empty list", "empty dict", "big int", "float", "whole float"} | {
    *("infinity", "text that looks like JSON", "text that looks like a date", "datetime", "naive datetime"),
    *("timedelta", "uuid", "decimal", "bytes", "tuple", "set", "frozenset", "union of scalars", "dict by int"),
}


@async_test
async def test_values_come_back_as_they_were_in_both_forms(mode: Mode, registry: Registry) -> None:
    for index, (_, annotation, _value) in enumerate(VALUES):

        async def echo(data: Any) -> Any:
            return data

        echo.__annotations__.update(data=annotation, **{"return": annotation})
        wire_rpc(f"echo-{index}", echo)
    seen: dict[str, list[Any]] = {}

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        seen.clear()
        for index, (name, annotation, value) in enumerate(VALUES):
            results = [
                await workflow.do(f"rpc {name}", f"echo-{index}", value),
                await workflow.do(f"inline {name}", lambda value=value: value, returns=annotation),
            ]
            if name in UNDECLARED:
                results.append(await workflow.do(f"undeclared {name}", lambda value=value: value))
            seen[name] = results
        return len(seen)

    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        assert await e.result(handle) == len(VALUES)
        for _ in ("live", "replayed"):
            for name, _annotation, value in VALUES:
                for result in seen[name]:
                    if isinstance(value, set | frozenset):
                        assert result == value and type(result) is type(value)
                    else:
                        assert result == value, name
                        assert type(result) is type(value), name
                    assert result is not value or not isinstance(value, BaseModel | Point | list | dict | set)
            await replay(e, handle.run_id)


@async_test
async def test_the_live_value_is_a_decoded_copy(mode: Mode, registry: Registry) -> None:
    kept: list[list[int]] = []

    @wire_rpc("give")
    async def give(data: list[int]) -> list[int]:
        data.append(99)
        kept.append(data)
        return data

    @wire_workflow("flow")
    async def flow(data: list[int], *, workflow: Any) -> list[Any]:
        sent = [1]
        from_rpc = await workflow.do("rpc", "give", sent)
        own: list[int] = [5]
        from_inline = await workflow.do("inline", lambda: own)
        for values in kept:
            values.append(-1)
        own.append(6)
        again = await workflow.do("after", lambda: 0)
        return [sent, from_rpc, from_inline, data, again]

    given = [7]
    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow", given)
        given.append(8)
        assert await e.result(handle) == [[1], [1, 99], [5], [7], 0]


@pytest.mark.parametrize("form", ["rpc", "inline", "returns", "mode inline"])
@async_test
async def test_a_value_that_cannot_be_stored_fails_its_step_with_the_path(
    some_mode: Mode, registry: Registry, form: str
) -> None:
    calls: list[int] = []

    def make() -> Any:
        calls.append(1)
        return {"items": [{"ok": 1}, {"bad": object()}]}

    async def rpc() -> Any:
        return make()

    wire_rpc("rpc", rpc)

    @wire_workflow("flow", execution_mode="inline" if form == "mode inline" else "remote")
    async def flow(*, workflow: Any) -> str:
        target: Any = "rpc" if form == "rpc" else make
        options = {"returns": dict[str, Any]} if form == "returns" else {}
        try:
            await workflow.do("s", target, retries=4, **options)
        except StepFailedError as error:
            return f"{error.attempts} {error.error.code} {error.error.message}"
        return ""

    async with some_mode.engine(registry=registry) as e:
        output = await e.run("flow")
    assert output.startswith("1 un")
    assert "items[1]" in output or "items.1" in output or "['items'][1]" in output
    assert "bad" in output
    assert len(calls) == 1, "what cannot be stored is not tried again"


@async_test
async def test_an_undeclared_model_fails_the_step_with_what_to_say(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        try:
            await workflow.do("s", Cat)
        except StepFailedError as error:
            return f"{error.error.code}: {error.error.message}"
        return ""

    async with some_mode.engine(registry=registry) as e:
        output = await e.run("flow")
    assert output.startswith("undeclared_result_type")
    assert "returns=Cat" in output


@async_test
async def test_input_that_does_not_fit_is_refused_at_start(registry: Registry, some_mode: Mode) -> None:
    @wire_workflow("flow")
    async def flow(data: User, *, workflow: Any) -> None:
        pass

    @wire_workflow("none")
    async def none() -> None:
        pass

    async with some_mode.engine(registry=registry) as e:
        for workflow, data in (("flow", (object(),)), ("flow", ()), ("none", (1,))):
            with pytest.raises(InvalidInputError):
                await e.start(workflow, *data)
        assert (await e.client.list_runs()).runs == ()


@async_test
async def test_optional_data_may_be_left_out(mode: Mode, registry: Registry) -> None:
    @wire_rpc("greet")
    async def greet(name: str = "nobody") -> str:
        return f"hello {name}"

    @wire_workflow("flow")
    async def flow(count: int = 3, *, workflow: Any, rpc: Any) -> list[Any]:
        return [
            count,
            await workflow.do("a", "greet"),
            await workflow.do("b", "greet", "ada"),
            await rpc.invoke("greet"),
        ]

    async with mode.engine(registry=registry) as e:
        assert await e.run("flow") == [3, "hello nobody", "hello ada", "hello nobody"]
        assert await e.run("flow", 4) == [4, "hello nobody", "hello ada", "hello nobody"]


@async_test
async def test_none_is_data(mode: Mode, registry: Registry) -> None:
    @wire_rpc("tell")
    async def tell(value: int | None = 5) -> str:
        return repr(value)

    @wire_workflow("flow")
    async def flow(value: int | None = 5, *, workflow: Any) -> list[str]:
        return [repr(value), await workflow.do("a", "tell", None), await workflow.do("b", "tell")]

    async with mode.engine(registry=registry) as e:
        assert await e.run("flow", None) == ["None", "None", "5"]
