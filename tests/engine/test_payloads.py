"""Large values go by reference, and nothing else about a run differs: live, replayed, after a crash, in any store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Mode, async_test, bar_anyway, replay
from pydantic import BaseModel
from pyflow_services.memory import MemoryPayloadService

from pyflow_core import Payload, RpcCall, StepFailedError, wire_rpc, wire_workflow
from pyflow_core.clock import uptime
from pyflow_core.errors import (
    InvalidInputError,
    PayloadStoreUnavailableError,
)
from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.key import parse_key
from pyflow_core.ports.payload import PROBE_PREFIX
from pyflow_core.ports.state import RunStatus, StepStatus

if TYPE_CHECKING:
    from pyflow_core.ports.state import Envelope
    from pyflow_core.testing import Engine
    from pyflow_core.wiring import Registry

LARGE = 40_000


class Page(BaseModel):
    text: str
    number: int = 0


def reference_of(envelope: Envelope) -> Any:
    assert envelope.inline is None
    assert envelope.reference is not None
    found = read_reference(envelope.reference)
    return found[0] if isinstance(found, tuple) else found


def wire_reading(registry: Registry) -> list[str]:
    """`pages.load` gives a large page, `pages.count` counts; what ran is noted."""
    ran: list[str] = []

    @wire_rpc("pages.load")
    async def load(data: str) -> Page:
        ran.append(f"load {data}")
        return Page(text=data * LARGE, number=1)

    @wire_rpc("pages.count")
    async def count(data: Page) -> int:
        ran.append("count")
        return len(data.text)

    @wire_rpc("pages.measure")
    async def measure(data: Payload[Page]) -> int:
        ran.append("measure")
        return len((await data.load()).text)

    return ran


async def run_twice(e: Engine, workflow: str, data: Any) -> Any:
    """The output of a run, the same as a replay and as a run by another worker gives it."""
    handle = await e.start(workflow, data)
    output = await e.result(handle)
    again = await replay(e, handle.run_id)
    assert again.execution.refusal is None
    assert again.outcome == output
    again.execution.retire()
    return output, handle.run_id


@async_test
async def test_large_values_go_by_reference_at_every_place(registry: Registry, mode: Mode) -> None:
    wire_reading(registry)

    @wire_workflow("read")
    async def read(data: Page, *, workflow: Any) -> Page:
        page = await workflow.do("load", "pages.load", "x")
        joined = await workflow.do("join", lambda: page.text + data.text, returns=str)
        count = await workflow.do("count", "pages.count", Page(text=joined))
        return Page(text=joined, number=count)

    async with mode.engine(registry=registry) as e:
        output, run_id = await run_twice(e, "read", Page(text="y" * LARGE))
        assert output == Page(text="x" * LARGE + "y" * LARGE, number=2 * LARGE)
        run = await e.client.get_run(run_id)
        steps = await e.steps(run_id)
        places = {
            "input": (run.input, None, "input"),
            "output": (run.output, None, "output"),
            "load": (steps["load"].output, "load", "output"),
            "join": (steps["join"].output, "join", "output"),
            "asked": (steps["count"].input, "count", "input"),
        }
        for envelope, step_name, slot in places.values():
            reference = reference_of(envelope)
            parts = parse_key(reference.key)
            assert parts is not None
            assert (parts.workflow, parts.run_id, parts.slot) == ("read", run_id, slot)
            assert reference.producer.step_name == step_name
        assert steps["load"].input.inline == '"x"'
        assert steps["count"].output.inline == str(2 * LARGE)


@async_test
async def test_what_fits_stays_inline_to_the_byte(registry: Registry, some_mode: Mode) -> None:
    @wire_workflow("fit")
    async def fit(*, workflow: Any) -> None:
        await workflow.do("fits", lambda: "x" * (2000 - 2), inline_max=2000)
        await workflow.do("is-over", lambda: "x" * (2000 - 1), inline_max=2000)
        await workflow.do("in-bytes", lambda: "é" * 1000, inline_max=2000)
        await workflow.do("never", lambda: "", inline_max=0)

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("fit")
        await e.result(handle)
        steps = await e.steps(handle)
        assert {name: step.output.reference is None for name, step in steps.items()} == {
            "fits": True,
            "is-over": False,
            "in-bytes": False,
            "never": False,
        }


@async_test
async def test_a_run_that_has_used_up_its_budget_keeps_small_values_only(registry: Registry, mode: Mode) -> None:
    @wire_rpc("make")
    async def make(data: int) -> str:
        return "x" * data

    @wire_workflow("fill")
    async def fill(*, workflow: Any) -> None:
        for number in range(5):
            await workflow.do(f"fill-{number}", "make", 20_000)
        await workflow.do("inline", lambda: "x" * 2000)
        await workflow.do("small", lambda: "x" * 1000)

    async with mode.engine(registry=registry) as e:
        handle = await e.start("fill")
        await e.result(handle)
        steps = await e.steps(handle)
        inline = [name for name, step in steps.items() if step.output.reference is None]
        assert inline == ["fill-0", "fill-1", "fill-2", "fill-3", "small"]


@async_test
async def test_bytes_are_stored_as_they_are(registry: Registry, mode: Mode) -> None:
    raw = bytes(range(256))

    @wire_rpc("invert")
    async def invert(data: bytes) -> bytes:
        return bytes(255 - byte for byte in data)

    @wire_workflow("invert")
    async def flow(data: bytes, *, workflow: Any) -> bytes:
        once = await workflow.do("once", "invert", data)
        return await workflow.do("twice", lambda: bytes(255 - byte for byte in once))

    async with mode.engine(registry=registry) as e:
        output, run_id = await run_twice(e, "invert", raw)
        assert output == raw
        reference = reference_of((await e.steps(run_id))["once"].output)
        assert (reference.encoding, reference.bytes) == ("bytes", 256)
        assert await e.payloads.get(reference.key) == raw[::-1]


@async_test
async def test_a_handle_is_passed_on_without_being_loaded(registry: Registry, mode: Mode) -> None:
    ran = wire_reading(registry)

    @wire_rpc("pages.make")
    async def make(data: str) -> Payload[Page]:
        return Page(text=data * LARGE)  # type: ignore[return-value] # a plain value is stored first

    @wire_workflow("pass")
    async def flow(data: str, *, workflow: Any) -> tuple[int, int, int]:
        lazy = await workflow.do("load", RpcCall[Page]("pages.load", data).lazy())
        assert isinstance(lazy, Payload)
        made = await workflow.do("make", "pages.make", data)
        assert isinstance(made, Payload)
        return (
            await workflow.do("measure", "pages.measure", lazy),
            await workflow.do("count", "pages.count", made),
            await workflow.do("plain", "pages.measure", Page(text="short")),
        )

    async with mode.engine(registry=registry) as e:
        output, run_id = await run_twice(e, "pass", "z")
        assert output == (LARGE, LARGE, 5)
        steps = await e.steps(run_id)
        assert reference_of(steps["measure"].input) == reference_of(steps["load"].output)
        assert reference_of(steps["count"].input) == reference_of(steps["make"].output)
        assert reference_of(steps["plain"].input).bytes < 100
        assert ran.count("load z") == 1


class Counting(MemoryPayloadService):
    """Notes what is read, and is away or gone when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.away = 0
        self.lost: set[str] = set()
        self.damaged: set[str] = set()

    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        self.reads += not key.startswith(PROBE_PREFIX)
        self._check()
        if any(part in key for part in self.lost):
            return None
        found = await super().get(key, most=most)
        if found is not None and any(part in key for part in self.damaged):
            return found[:-1] + b"!"
        return found

    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        self._check()
        return await super().put(key, data, ttl_seconds=ttl_seconds)

    def _check(self) -> None:
        if self.away:
            self.away -= 1
            raise PayloadStoreUnavailableError("the store is away")


@async_test
async def test_a_replay_reads_only_what_is_not_passed_on(registry: Registry, some_mode: Mode) -> None:
    wire_reading(registry)

    @wire_workflow("touch")
    async def flow(*, workflow: Any) -> int:
        for number in range(4):
            await workflow.do(f"lazy-{number}", RpcCall[Page]("pages.load", str(number)).lazy())
        touched = await workflow.do("touched", "pages.load", "x")
        return len(touched.text)

    payloads = Counting()
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        handle = await e.start("touch")
        assert await e.result(handle) == LARGE
        payloads.reads = 0
        again = await replay(e, handle.run_id)
        assert again.outcome == LARGE
        again.execution.retire()
        assert payloads.reads <= 1


@async_test
async def test_a_status_reads_no_payload_and_costs_the_same_whatever_the_size(
    registry: Registry, some_mode: Mode
) -> None:
    wire_reading(registry)

    @wire_workflow("status")
    async def flow(data: int, *, workflow: Any) -> str:
        return await workflow.do("make", lambda: "x" * data)

    payloads = Counting()
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        rows: list[int] = []
        for size in (50_000, 5_000_000):
            handle = await e.start("status", size, run_id=f"run-{size:07}")
            await e.result(handle)
            payloads.reads = 0
            run = await e.client.get_run(handle.run_id)
            steps = await e.steps(handle)
            assert payloads.reads == 0
            rows.append(sum(len(str(text)) for text in (*run.output, *steps["make"].output) if text))
        assert rows[1] - rows[0] <= 8, "the digits of two sizes, in two places each"


@async_test
async def test_an_unreachable_store_is_waited_for(registry: Registry, mode: Mode) -> None:
    ran = wire_reading(registry)

    @wire_workflow("wait")
    async def flow(data: str, *, workflow: Any) -> int:
        page = await workflow.do("load", "pages.load", data)
        return await workflow.do("count", "pages.count", page)

    payloads = Counting()
    async with mode.engine(registry=registry, payloads=payloads) as e:
        payloads.away = 7
        assert await e.run("wait", "x") == LARGE
        assert ran.count("load x") == 1
        assert payloads.away == 0


@pytest.mark.parametrize(("harm", "code"), [("lost", "payload_missing"), ("damaged", "payload_corrupt")])
@async_test
async def test_a_lost_or_damaged_result_blocks_the_run_by_name(
    registry: Registry, some_mode: Mode, harm: str, code: str
) -> None:
    wire_reading(registry)

    @wire_rpc("hold")
    async def hold(data: str) -> str:
        await gate.wait()
        return data

    @wire_workflow("lose")
    async def flow(data: str, *, workflow: Any) -> int:
        page = await workflow.do("load", "pages.load", data)
        await workflow.do("hold", "hold", "x")
        return len(page.text)

    gate = asyncio.Event()
    payloads = Counting()
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        handle = await e.start("lose", "x")
        await e.idle()
        assert (await e.steps(handle)).keys() == {"load", "hold"}
        await e.crash()
        getattr(payloads, harm).add("/load/")
        gate.set()
        await e.begin()
        run = await e.settle(handle)
        assert run.status is RunStatus.BLOCKED
        assert run.error is not None
        assert run.error.code == code
        assert "'load'" in run.error.message
        assert "xxxx" not in run.error.message

        getattr(payloads, harm).clear()
        await e.state.redrive(handle.run_id)
        await e.restart()
        assert await e.result(handle) == LARGE


@async_test
async def test_a_lost_input_fails_the_step_without_a_retry(registry: Registry, some_mode: Mode) -> None:
    wire_reading(registry)
    errors: list[Any] = []

    @wire_workflow("lose-input")
    async def flow(data: str, *, workflow: Any) -> str:
        try:
            await workflow.do("count", "pages.measure", Page(text=data * LARGE), retries=3)
        except StepFailedError as error:
            errors.append(error)
            return "failed"
        return "counted"

    payloads = Counting()
    payloads.lost.add("/count/")
    async with some_mode.engine(registry=registry, payloads=payloads) as e:
        handle = await e.start("lose-input", "x")
        assert await e.result(handle) == "failed"
        step = (await e.steps(handle))["count"]
        assert (step.status, step.attempts) == (StepStatus.FAILED, 1)
        assert errors[0].error.code == "payload_missing"


@async_test
async def test_a_value_over_the_hard_maximum_fails_its_step_at_once(registry: Registry, some_mode: Mode) -> None:
    @wire_rpc("grow")
    async def grow(data: int) -> str:
        return "x" * data

    @wire_workflow("grow")
    async def flow(data: int, *, workflow: Any) -> list[str]:
        codes: list[str] = []
        for name, target in (("rpc", "grow"), ("inline", None)):
            try:
                if target:
                    await workflow.do(name, target, data, retries=5)
                else:
                    await workflow.do(name, lambda: "x" * data, retries=5)
            except StepFailedError as error:
                codes.append(f"{error.error.code} after {error.attempts}")
        return codes

    @wire_workflow("text")
    async def text(data: str, *, workflow: Any) -> int:
        return len(data)

    async with some_mode.engine(registry=registry, hard_max=10_000) as e:
        assert await e.run("grow", 20_000) == ["payload_too_large after 1"] * 2
        with pytest.raises(InvalidInputError, match="hard_max"):
            await e.start("text", "x" * 20_000)
        assert [item async for item in e.payloads.objects("")] == []


@async_test
async def test_an_output_over_the_hard_maximum_fails_the_run(registry: Registry, some_mode: Mode) -> None:
    @wire_workflow("end")
    async def flow(data: int, *, workflow: Any) -> str:
        return "x" * data

    async with some_mode.engine(registry=registry, hard_max=10_000) as e:
        run = await e.settle(await e.start("end", 20_000))
        assert run.status is RunStatus.FAILED
        assert run.error is not None
        assert run.error.code == "payload_too_large"


@async_test
async def test_strict_mode_keeps_nothing_inline(registry: Registry, some_mode: Mode) -> None:
    @wire_rpc("same")
    async def same(data: str) -> str:
        return data

    @wire_workflow("strict")
    async def flow(data: str, *, workflow: Any) -> str:
        return await workflow.do("same", "same", data) + await workflow.do("inline", lambda: "!")

    async with some_mode.engine(registry=registry, strict_payloads=True) as e:
        output, run_id = await run_twice(e, "strict", "a")
        assert output == "a!"
        run = await e.client.get_run(run_id)
        envelopes = [run.input, run.output]
        for step in (await e.steps(run_id)).values():
            envelopes += [step.input, step.output]
        assert all(envelope.inline is None for envelope in envelopes)


@async_test
async def test_what_collection_took_first_is_stored_anew(registry: Registry, mode: Mode) -> None:
    """An object of an attempt that died is barred just before its retry would refer to it."""
    wire_reading(registry)

    @wire_workflow("again")
    async def flow(data: Page, *, workflow: Any) -> str:
        page = await workflow.do("load", RpcCall[Page]("pages.load", "x").lazy())
        joined = await workflow.do("join", lambda: data.text + "!", returns=str)
        count = await workflow.do("count", "pages.count", Page(text=joined))
        passed = await workflow.do("measure", "pages.measure", page)
        return joined + f"{count} {passed}"

    class Barring(MemoryPayloadService):
        """Bars whatever is put under its first three names, as a collector would that takes it for an orphan."""

        async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
            created = await super().put(key, data, ttl_seconds=ttl_seconds)
            if "-3." not in key:
                await bar_anyway(e.state, key)
            return created

    async with mode.engine(registry=registry, payloads=Barring()) as e:
        output, run_id = await run_twice(e, "again", Page(text="y" * LARGE))
        assert output == "y" * LARGE + f"!{LARGE + 1} {LARGE}"
        run, steps = await e.client.get_run(run_id), await e.steps(run_id)
        values = [run.input, run.output, steps["load"].output, steps["join"].output, steps["count"].input]
        for envelope in (*values, steps["measure"].input):
            parts = parse_key(reference_of(envelope).key)
            assert parts is not None
            assert parts.edition == 3


@async_test
async def test_loading_in_workflow_code_blocks_the_run(registry: Registry, some_mode: Mode) -> None:
    wire_reading(registry)

    @wire_workflow("load-here")
    async def flow(data: str, *, workflow: Any) -> int:
        page = await workflow.do("load", RpcCall[Page]("pages.load", data).lazy())
        try:
            return len((await page.load()).text)
        except Exception:  # noqa: BLE001 - which no refusal passes through
            return 0

    async with some_mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("load-here", "x"))
        assert run.status is RunStatus.BLOCKED
        assert run.error is not None
        assert "pass the handle to a step" in run.error.message


@async_test
async def test_conditions_are_decided_by_the_context_alone(registry: Registry, mode: Mode) -> None:
    @wire_rpc("pages.next", context=["number"])
    async def following(data: int) -> Page:
        return Page(text="x" * LARGE, number=data + 1)

    @wire_workflow("pages")
    async def flow(data: int, *, workflow: Any) -> int:
        number = data
        while number < 4:
            page = await workflow.do(f"page-{number}", RpcCall[Page]("pages.next", number).lazy())
            number = page.context["number"]
        return number

    payloads = Counting()
    async with mode.engine(registry=registry, payloads=payloads) as e:
        handle = await e.start("pages", 1)
        assert await e.result(handle) == 4
        assert payloads.reads == 0
        steps = await e.steps(handle)
        assert [step.output.context for step in steps.values()] == ['{"number":2}', '{"number":3}', '{"number":4}']


@async_test
async def test_a_context_that_cannot_be_extracted_fails_the_step(registry: Registry, some_mode: Mode) -> None:
    @wire_workflow("extract")
    async def flow(*, workflow: Any) -> str | None:
        try:
            await workflow.do("make", lambda: {"a": 1}, context=["b"], retries=3)
        except StepFailedError as error:
            return f"{error.error.code} after {error.attempts}"
        return None

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("extract") == "context_extraction after 1"


class Book(BaseModel):
    title: str
    pages: list[Payload[Page]]


@async_test
async def test_the_rows_name_the_payloads_that_their_values_name(registry: Registry, mode: Mode) -> None:
    wire_reading(registry)

    @wire_workflow("bind")
    async def flow(data: str, *, workflow: Any) -> Book:
        pages = [await workflow.do(f"load-{n}", RpcCall[Page]("pages.load", data).lazy()) for n in range(2)]
        return Book(title=data, pages=pages)

    async with mode.engine(registry=registry) as e:
        output, run_id = await run_twice(e, "bind", "x")
        run = await e.client.get_run(run_id)
        manifest = read_reference(run.output.reference or "")
        assert isinstance(manifest, tuple)
        assert {one.key for one in manifest[1:]} == {page.reference.key for page in output.pages}
        await e.state.ledger.expired_runs(0.0, 10)
        assert output.title == "x"


@pytest.mark.parametrize("place", ["/~run/input", "/load/output", "/count/input", "/~run/output"])
@async_test
async def test_what_was_stored_long_before_its_commit_is_stored_anew(
    registry: Registry, mode: Mode, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A process that slept between put and commit: its object was collected, and the tombstone is forgotten."""
    wire_reading(registry)
    slept = 0.0

    class Losing(MemoryPayloadService):
        """Loses what was put, unnoticed, while the process sleeps for a day."""

        async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
            nonlocal slept
            created = await super().put(key, data, ttl_seconds=ttl_seconds)
            if place in key and not slept:
                slept = 86_400.0
                await self.delete([key])
            return created

    monkeypatch.setattr("pyflow_core.payload.keeper.uptime", lambda: uptime() + slept)

    @wire_workflow("sleep")
    async def flow(data: Page, *, workflow: Any) -> str:
        page = await workflow.do("load", "pages.load", "x")
        count = await workflow.do("count", "pages.count", Page(text=page.text + data.text))
        return page.text + str(count)

    async with mode.engine(registry=registry, payloads=Losing()) as e:
        handle = await e.start("sleep", Page(text="y" * LARGE))
        assert await e.result(handle) == "x" * LARGE + str(2 * LARGE)
        assert slept
        run, steps = await e.client.get_run(handle.run_id), await e.steps(handle)
        for envelope in (run.input, run.output, steps["load"].output, steps["count"].input):
            assert await e.payloads.get(reference_of(envelope).key) is not None


@async_test
async def test_a_result_that_got_old_while_what_follows_was_stored_is_stored_anew(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One commit refers to both: the process slept while it stored the second."""
    wire_reading(registry)
    slept = 0.0

    class Losing(MemoryPayloadService):
        async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
            nonlocal slept
            if "/count/input" in key and not slept:
                slept = 86_400.0
                (result,) = [item.key async for item in self.objects("") if "/load/output" in item.key]
                await self.delete([result])
            return await super().put(key, data, ttl_seconds=ttl_seconds)

    monkeypatch.setattr("pyflow_core.payload.keeper.uptime", lambda: uptime() + slept)

    @wire_workflow("sleep")
    async def flow(*, workflow: Any) -> int:
        page = await workflow.do("load", "pages.load", "x")
        return await workflow.do("count", "pages.count", Page(text=page.text + "!"))

    async with Mode("fused").engine(registry=registry, payloads=Losing()) as e:
        handle = await e.start("sleep")
        assert await e.result(handle) == LARGE + 1
        assert await e.payloads.get(reference_of((await e.steps(handle))["load"].output).key) is not None


@async_test
async def test_secrets_in_the_message_of_an_error_are_not_recorded(registry: Registry, some_mode: Mode) -> None:
    @wire_workflow("tell")
    async def flow(*, workflow: Any) -> None:
        def connect() -> None:
            raise ConnectionError("no answer from postgresql://app:hunter2secret@db/orders")

        await workflow.do("connect", connect)

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("tell")
        run = await e.settle(handle)
        step = (await e.steps(handle))["connect"]
        assert run.error is not None
        assert step.error is not None
        assert "no answer from" in step.error.message
        assert "hunter2secret" not in f"{run.error}{step.error}"


class Overwriting(MemoryPayloadService):
    """Takes every put for the first, as stores without conditional writes do."""

    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        await self.delete([key])
        return await super().put(key, data, ttl_seconds=ttl_seconds)


@async_test
async def test_a_store_that_overwrites_is_found_out_before_anything_is_trusted_to_it(
    registry: Registry, some_mode: Mode
) -> None:
    wire_reading(registry)

    @wire_workflow("trust")
    async def flow(data: str, *, workflow: Any) -> str:
        if data == "rpc":
            return (await workflow.do("load", "pages.load", "x")).text
        return await workflow.do("inline", lambda: "x" * LARGE, returns=str)

    async with some_mode.engine(registry=registry, payloads=Overwriting()) as e:
        for data, status in (("rpc", RunStatus.FAILED), ("inline", RunStatus.BLOCKED)):
            run = await e.settle(await e.start("trust", data))
            assert run.status is status
            assert run.error is not None
            assert "ignores create-only writes" in run.error.message
