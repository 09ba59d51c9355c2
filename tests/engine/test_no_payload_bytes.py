"""Large values leave nothing of themselves in rows and logs, whatever becomes of the steps that carry them."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Mode, async_test, replay
from pydantic import BaseModel
from pyflow_services.memory import MemoryPayloadService

from pyflow_core import Payload, RpcCall, RpcError, StepFailedError, wire_rpc, wire_workflow
from pyflow_core.engine.error_record import MAX_MESSAGE, MAX_TRACEBACK
from pyflow_core.ports.state import RunStatus

if TYPE_CHECKING:
    from pyflow_core.testing import Engine
    from pyflow_core.wiring import Registry

MARKER = "qZ7fXw4mK9"
"""With a length that three does not divide, its repetition shows every alignment of base64 to the scan."""
LARGE = MARKER * 6_000
HARD_MAX = 200_000
NEEDLES = [
    MARKER.encode(),
    MARKER[::-1].encode(),
    *(base64.b64encode((MARKER * 6)[i : i + 30].encode()) for i in range(3)),
]


class Page(BaseModel):
    text: str
    raw: bytes = b""


class Book(BaseModel):
    title: str
    pages: list[Payload[Page]]


class UnreadableError(RpcError):
    code = "unreadable"


class Opaque:
    """Nothing that a store can hold."""

    def __repr__(self) -> str:
        return LARGE


def wire_all_kinds(registry: Registry) -> dict[str, int]:  # noqa: C901 - one function for each kind of step
    """A workflow with every kind of step, and how often its flaky ones were tried."""
    tried = {"flaky": 0, "last": 0}

    @wire_rpc("pages.load")
    async def load(data: Page) -> Page:
        return Page(text=data.text[::-1])

    @wire_rpc("pages.raw")
    async def raw(data: bytes) -> bytes:
        return data[::-1]

    @wire_rpc("pages.measure")
    async def measure(data: Payload[Page]) -> int:
        return len((await data.load()).text)

    @wire_rpc("pages.flaky", retries=3)
    async def flaky(data: Page) -> Page:
        tried["flaky"] += 1
        if tried["flaky"] < 3:
            raise OSError("not yet")
        return data

    @wire_rpc("pages.break")
    async def break_(data: Page) -> int:
        return len(data.text) // 0

    @wire_rpc("pages.opaque")
    async def opaque(data: Page) -> Any:
        return {"text": data.text, "inner": [Opaque()]}

    @wire_rpc("pages.wrong")
    async def wrong(data: Page) -> int:
        return data.text  # type: ignore[return-value]

    @wire_rpc("pages.grow")
    async def grow(data: Page) -> str:
        return data.text * 10

    @wire_rpc("pages.last", raises=[UnreadableError])
    async def last(data: Page) -> Page:
        tried["last"] += 1
        if tried["last"] == 1:
            raise UnreadableError("the first time it fails")
        return data

    @wire_workflow("all-kinds")
    async def all_kinds(data: Page, *, workflow: Any) -> Book:
        page = await workflow.do("load", "pages.load", data)
        lazy = await workflow.do("lazy", RpcCall[Page]("pages.load", page).lazy())
        await workflow.do("measure", "pages.measure", lazy)
        await workflow.do("raw", "pages.raw", LARGE.encode())
        await workflow.do("inline", lambda: page.text + page.text, returns=str)
        await workflow.do("inline-raw", page.text.encode)
        await workflow.do("context", lambda: {"text": page.text, "rows": 3}, context=["rows"])
        await workflow.do("flaky", "pages.flaky", page)
        calls = [workflow.do(name, f"pages.{name}", page) for name in ("break", "opaque", "wrong", "grow")]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(error, StepFailedError) for error in ended), [type(error) for error in ended]
        with pytest.raises(StepFailedError):
            await workflow.do("inline-opaque", lambda: {"text": page.text, "inner": Opaque()})
        await workflow.do("last", "pages.last", page)
        return Book(title="short", pages=[lazy])

    return tried


def rows_of(e: Engine, mode: Mode) -> bytes:
    """Everything that the state holds."""
    if not mode.sqlite:
        tables: Any = e.state._tables  # type: ignore[attr-defined]
        return repr((tables.runs, vars(tables.payloads))).encode()
    path = mode.folder / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        assert not busy
        dump = "\n".join(connection.iterdump()).encode()
    # The pages too, with what deleted rows have left in them.
    return dump + b"".join(file.read_bytes() for file in mode.folder.glob("state.db*") if file.is_file())


def assert_unmarked(text: bytes, where: str) -> None:
    for needle in NEEDLES:
        at = text.find(needle)
        assert at < 0, f"{where}: …{text[max(0, at - 200) : at + 60]!r}"


@async_test
async def test_no_row_and_no_log_holds_bytes_of_a_payload(
    registry: Registry, some_mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tried = wire_all_kinds(registry)
    async with some_mode.engine(registry=registry, hard_max=HARD_MAX) as e:
        handle = await e.start("all-kinds", Page(text=LARGE))
        run = await e.settle(handle)
        assert run.status is RunStatus.FAILED, run.error
        assert run.error is not None
        assert (run.error.code, run.error.step_name) == ("unreadable", "last")
        assert_unmarked(rows_of(e, some_mode), "after the failure")

        await e.state.redrive(handle.run_id)
        await e.restart()
        assert (await e.result(handle)).title == "short"
        assert tried["flaky"] == 3
        again = await replay(e, handle.run_id)
        assert again.execution.refusal is None
        again.execution.retire()
        stored = b"".join([await e.payloads.get(item.key) or b"" async for item in e.payloads.objects("payloads/")])
        rows = rows_of(e, some_mode)
    # What is looked for is found where it belongs, and the runs are where they should be.
    assert MARKER.encode() in stored
    assert b"all-kinds" in rows
    assert_unmarked(rows, "rows")
    assert caplog.records
    formatter = logging.Formatter("%(message)s")
    assert_unmarked("\n".join(map(formatter.format, caplog.records)).encode(), "logs")


@async_test
async def test_the_scan_finds_what_stays_inline(registry: Registry, some_mode: Mode) -> None:
    wire_all_kinds(registry)
    async with some_mode.engine(registry=registry, inline_max=64 * 1024, inline_budget=2**30) as e:
        await e.settle(await e.start("all-kinds", Page(text=LARGE)))
        with pytest.raises(AssertionError, match="rows"):
            assert_unmarked(rows_of(e, some_mode), "rows")


class Damaging(MemoryPayloadService):
    """Gives other bytes back than it took, once a test says so."""

    damaged = False

    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        found = await super().get(key, most=most)
        return found[:-1] + b"!" if found and self.damaged else found


@async_test
async def test_a_damaged_payload_is_not_quoted_either(
    registry: Registry, some_mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    payloads = Damaging()

    @wire_workflow("damage")
    async def damage(data: Page, *, workflow: Any) -> int:
        page = await workflow.do("make", lambda: data.text * 2, returns=str)
        payloads.damaged = True
        return len(page) + await workflow.do("count", "pages.count", Page(text=page))

    @wire_rpc("pages.count")
    async def count(data: Payload[Page]) -> int:
        return len((await data.load()).text)

    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        run = await e.settle(await e.start("damage", Page(text=LARGE)))
        assert run.error is not None
        assert "payload_corrupt" in {
            run.error.code,
            *(s.error.code for s in await e.state.list_steps(run.run_id) if s.error),
        }
        assert_unmarked(rows_of(e, some_mode), "rows")
    assert_unmarked("\n".join(map(logging.Formatter().format, caplog.records)).encode(), "logs")


@async_test
async def test_an_exception_that_quotes_its_data_does_not_make_rows_large(registry: Registry, some_mode: Mode) -> None:
    def deep(depth: int) -> None:
        if depth:
            return [deep, shallow][depth % 2](depth - 1)
        raise ValueError(LARGE) from KeyError(LARGE)

    def shallow(depth: int) -> None:
        deep(depth)

    @wire_workflow("quote")
    async def quote(data: Page, *, workflow: Any) -> None:
        await workflow.do("break", lambda: deep(500))

    async with some_mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("quote", Page(text=LARGE)))
        step = (await e.steps(run.run_id))["break"]
        for error in (run.error, step.error):
            assert error is not None
            assert len(error.message) == MAX_MESSAGE
            assert error.message.endswith("…")
            assert error.traceback is not None
            assert len(error.traceback) <= MAX_TRACEBACK + 10
            assert "deep" in error.traceback
            assert "ValueError" in error.traceback
        assert len(rows_of(e, some_mode).replace(b"\0", b"")) < 20 * MAX_TRACEBACK


@async_test
async def test_a_secret_in_an_error_reaches_no_row(registry: Registry, some_mode: Mode) -> None:
    secret = "s3cr3t-w0rd"

    def fetch() -> None:
        raise ConnectionError(f"no answer from https://user:{secret}@example.com/items")

    @wire_workflow("leak")
    async def leak(*, workflow: Any) -> None:
        await workflow.do("fetch", fetch)

    async with some_mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("leak"))
        assert run.error is not None
        assert "no answer from https://[redacted]@example.com/items" in run.error.message
        assert secret.encode() not in rows_of(e, some_mode)
