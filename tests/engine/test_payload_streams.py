"""Streams and handles in steps: stored beside the result, passed on as handles, read in parts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Mode, async_test
from pydantic import BaseModel
from pyflow_services.files import FilesPayloadService
from pyflow_services.memory import MemoryPayloadService

from pyflow_core import Payload, RpcCall, RunFailedError, Step, wire_rpc, wire_workflow
from pyflow_core.errors import (
    InvalidNameError,
    InvalidOptionError,
    PayloadForbiddenError,
    PayloadStoreUnavailableError,
)
from pyflow_core.payload.key import parse_key
from pyflow_core.ports.state import RunStatus
from pyflow_core.project import Project

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from pyflow_core.ports.payload import PayloadService
    from pyflow_core.wiring import Registry

MEGABYTE = 1024 * 1024
SIZE = 5 * MEGABYTE


class Away(MemoryPayloadService):
    """Cannot be reached so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        if self.times:
            self.times -= 1
            raise PayloadStoreUnavailableError("the store is away")
        return await super().put(key, data, ttl_seconds=ttl_seconds)


@pytest.fixture(params=["memory", "file"])
def payloads(request: pytest.FixtureRequest, tmp_path: Path) -> PayloadService:
    return MemoryPayloadService() if request.param == "memory" else FilesPayloadService(tmp_path / "payloads")


@asynccontextmanager
async def payloads_open(payloads: PayloadService) -> AsyncGenerator[None]:
    await payloads.open()
    try:
        yield
    finally:
        await payloads.close()


def megabytes() -> Iterator[bytes]:
    """Five of them, each of another byte."""
    for number in range(5):
        yield bytes([number]) * MEGABYTE


class Report(BaseModel):
    title: str
    body: Payload[bytes]


def wire_streams(registry: Registry) -> None:
    @wire_rpc("report.write")
    async def write(*, step: Step) -> Payload[bytes]:
        async def chunks() -> AsyncGenerator[bytes]:
            for chunk in megabytes():
                yield chunk

        return await step.store(chunks(), name="report.csv", content_type="text/csv")

    @wire_rpc("report.wrap")
    async def wrap(data: str, *, step: Step) -> Report:
        return Report(title=data, body=await step.store(megabytes(), name=data))

    @wire_rpc("report.read")
    async def read(data: Payload[bytes]) -> list[int]:
        part = await data.range(MEGABYTE - 1, MEGABYTE + 1)
        return [data.size_bytes, *part]

    @wire_rpc("report.unwrap")
    async def unwrap(data: Report) -> int:
        return sum([len(chunk) async for chunk in data.body.open()])


@async_test
async def test_a_stream_is_stored_by_one_step_and_read_in_parts_by_the_next(
    registry: Registry, some_mode: Mode, payloads: PayloadService
) -> None:
    wire_streams(registry)

    @wire_workflow("stream")
    async def flow(*, workflow: Any) -> list[int]:
        report = await workflow.do("write", "report.write")
        return await workflow.do("read", "report.read", report)

    async with payloads_open(payloads), some_mode.engine(registry=registry, payloads=payloads) as e:
        handle = await e.start("stream")
        assert await e.result(handle) == [SIZE, 0, 1]
        (stored,) = [item async for item in payloads.objects("payloads/")]
        parts = parse_key(stored.key)
        assert parts is not None
        assert (stored.size, parts.step, parts.slot) == (SIZE, "write", "file-report.csv")
        reference = (await e.steps(handle))["write"].output.reference
        assert reference is not None
        assert '"text/csv"' in reference


@async_test
async def test_a_handle_goes_along_inside_a_model(
    registry: Registry, some_mode: Mode, payloads: PayloadService
) -> None:
    wire_streams(registry)

    @wire_workflow("wrap")
    async def flow(*, workflow: Any) -> Report:
        report = await workflow.do("wrap", "report.wrap", "a/b %.txt")
        assert await workflow.do("unwrap", "report.unwrap", report) == SIZE
        return report

    async with payloads_open(payloads), some_mode.engine(registry=registry, payloads=payloads) as e:
        output = await e.run("wrap")
        assert output.title == "a/b %.txt"
        assert output.body.size_bytes == SIZE


@async_test
async def test_a_stream_waits_for_a_store_that_is_away(registry: Registry, some_mode: Mode) -> None:
    wire_streams(registry)

    @wire_workflow("wait")
    async def flow(*, workflow: Any) -> None:
        await workflow.do("write", "report.write")

    payloads = Away(3)
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        handle = await e.start("wait")
        while payloads.times:
            await e.idle()
            e.clock.advance(10)
        await e.result(handle)
        assert (payloads.times, (await e.steps(handle))["write"].attempts) == (0, 1)


@async_test
async def test_a_bare_call_takes_and_gives_handles(registry: Registry, some_mode: Mode) -> None:
    wire_streams(registry)

    @wire_rpc("report.size")
    async def size(data: bytes) -> int:
        return len(data)

    @wire_rpc("report.pass")
    async def give(data: Payload[bytes]) -> Payload[bytes]:
        await data.range(0, 1)
        return data

    @wire_rpc("report.inside")
    async def inside(data: Payload[bytes], *, rpc: Any) -> int:
        again = await rpc.invoke("report.pass", data)
        assert again == data
        return await rpc.invoke("report.size", data)

    @wire_workflow("invoke")
    async def flow(*, workflow: Any, rpc: Any) -> list[int]:
        report = await workflow.do("write", "report.write")
        again = await rpc.invoke("report.pass", report)
        assert again == report
        return [await rpc.invoke("report.size", again), await workflow.do("inside", "report.inside", again)]

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("invoke") == [SIZE, SIZE]


@async_test
async def test_a_bare_call_is_never_lazy(registry: Registry, some_mode: Mode) -> None:
    wire_streams(registry)

    @wire_workflow("lazy")
    async def flow(*, rpc: Any) -> None:
        await rpc.invoke(RpcCall[bytes]("report.write").lazy())

    async with some_mode.engine(registry=registry) as e:
        with pytest.raises(RunFailedError, match=r"stores nothing: leave `\.lazy"):
            await e.run("lazy")


@async_test
async def test_a_lazy_call_of_what_returns_a_handle_gives_that_handle(registry: Registry, some_mode: Mode) -> None:
    wire_streams(registry)

    @wire_workflow("lazy")
    async def flow(*, workflow: Any) -> list[list[int]]:
        handles = [
            await workflow.do("plain", RpcCall[Payload[bytes]]("report.write")),
            await workflow.do("lazy", RpcCall[Payload[bytes]]("report.write").lazy().lazy()),
        ]
        assert all(isinstance(handle, Payload) for handle in handles)
        return [await workflow.do(f"read-{n}", "report.read", handle) for n, handle in enumerate(handles)]

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("lazy") == [[SIZE, 0, 1], [SIZE, 0, 1]]


@async_test
async def test_what_names_no_file_fails_the_step_at_once(registry: Registry, some_mode: Mode) -> None:
    wire_streams(registry)

    @wire_workflow("misname")
    async def flow(*, workflow: Any) -> None:
        await workflow.do("wrap", "report.wrap", "", retries=3)

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("misname")
        assert (await e.settle(handle)).status is RunStatus.FAILED
        step = (await e.steps(handle))["wrap"]
        assert (step.error.type, step.attempts) == ("InvalidNameError", 1)


@async_test
async def test_a_step_refuses_what_it_cannot_store() -> None:
    step = Step(streams=given)
    with pytest.raises(InvalidNameError):
        await step.store([b"x"], name="a\nb")
    with pytest.raises(InvalidOptionError, match="content type"):
        await step.store([b"x"], name="a", content_type="text/csv\nx")
    with pytest.raises(InvalidOptionError, match=r"give it \[data\]"):
        await step.store(b"xy", name="a")  # type: ignore[arg-type]


@async_test
async def test_a_step_of_a_test_stores_where_the_test_says() -> None:
    with pytest.raises(PayloadForbiddenError, match=r"Step\(streams=...\)"):
        await Step().store([b"x"], name="a")
    with pytest.raises(NotImplementedError, match="a text/csv"):
        await Step(streams=given).store([b"x"], name="a", content_type="text/csv")


async def given(chunks: object, name: str, content_type: str) -> Payload[bytes]:
    raise NotImplementedError(f"{name} {content_type}")


@async_test
async def test_a_caller_loads_the_handle_that_a_run_has_given(registry: Registry, tmp_path: Path) -> None:
    @wire_rpc("make")
    async def make(data: int) -> Payload[str]:
        return "x" * data  # type: ignore[return-value] # a plain value is stored first

    @wire_workflow("give")
    async def give(data: int, *, workflow: Any) -> Payload[str]:
        return await workflow.do("make", "make", data)

    project = Project(name="p", package="p", root=tmp_path)
    stores = {"state": "memory://", "payloads": MemoryPayloadService()}
    async with project.connect(worker=True, registry=registry, **stores) as client:
        handle = await (await client.start("give", 50_000)).result(timeout=30)
        assert await handle.load() == "x" * 50_000
    with pytest.raises(PayloadForbiddenError, match="an open connection"):
        await handle.load()


@async_test
async def test_a_bare_invoke_gives_a_step_to_a_function_that_asks_for_one(registry: Registry, some_mode: Mode) -> None:
    @wire_rpc("tell")
    async def tell(*, step: Step) -> bool:
        return step.cancelled()

    @wire_workflow("ask")
    async def ask(*, rpc: Any) -> bool:
        return await rpc.invoke("tell")

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("ask") is False
