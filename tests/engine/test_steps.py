"""Steps: tries, delays, timeouts, deaths, errors, services, and what surrounds a call."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import logging
import re
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, run_and_replay, second_worker

from pyflow_core import Backoff, Call, Proceed, RpcCall, RpcError, Step, StepFailedError, wire_rpc, wire_workflow
from pyflow_core.errors import MissingServiceError, PermissionDeniedError
from pyflow_core.ports.state import RunStatus, StepStatus
from pyflow_core.testing import engine

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


class Tries:
    """Fails until the so-and-so-manieth try, and keeps the times."""

    def __init__(self, good: int) -> None:
        self.good = good
        self.times: list[float] = []
        self.clock: Any = None

    def __call__(self) -> int:
        self.times.append(self.clock.time())
        if len(self.times) < self.good:
            raise ValueError(f"try {len(self.times)}")
        return len(self.times)

    @property
    def delays(self) -> list[float]:
        return [round(b - a, 3) for a, b in zip(self.times, self.times[1:], strict=False)]


@dataclass
class Services:
    tries: Tries


FORMS = ["rpc", "threaded rpc", "inline", "async inline", "threaded inline"]


def wire_forms(form: str, tries: Tries, **wiring: Any) -> Any:
    """A workflow whose step is one of these forms."""

    async def asynchronous() -> int:
        await asyncio.sleep(0)
        return tries()

    async def rpc() -> int:
        return tries()

    def threaded_rpc() -> int:
        return tries()

    wire_rpc("step", threaded_rpc if form == "threaded rpc" else rpc, **(wiring if "rpc" in form else {}))
    options: dict[str, Any] = {} if "rpc" in form else dict(wiring)
    if form == "threaded inline":
        options["thread"] = True

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        target = "step" if "rpc" in form else asynchronous if form == "async inline" else tries
        if "rpc" not in form:
            options["returns"] = int
        try:
            return f"got {await workflow.do('s', target, **options)}"
        except StepFailedError as error:
            return f"{error.step_name} {error.attempts} {error.error.type} {error.error.message}"


@pytest.mark.parametrize("form", FORMS)
@async_test
async def test_retries_are_executions_after_the_first(mode: Mode, registry: Registry, form: str) -> None:
    tries = Tries(good=4)
    wire_forms(form, tries, retries=3, retry_delay="5s")
    async with mode.engine(registry=registry) as e:
        tries.clock = e.clock
        assert await run_and_replay(e, "flow") == "got 4"
        assert len(tries.times) == 4
        # While a thread runs, the engine may look at its store now and then.
        assert all(5 <= delay < 12 for delay in tries.delays)


@pytest.mark.parametrize("form", FORMS)
@async_test
async def test_a_step_that_has_used_up_its_tries_raises(mode: Mode, registry: Registry, form: str) -> None:
    tries = Tries(good=9)
    wire_forms(form, tries, retries=2, retry_delay=0)
    async with mode.engine(registry=registry) as e:
        tries.clock = e.clock
        assert await run_and_replay(e, "flow") == "s 3 ValueError try 3"
        assert len(tries.times) == 3


@async_test
async def test_delays_double_with_jitter_up_to_a_minute(registry: Registry) -> None:
    tries = Tries(good=10)
    wire_forms("inline", tries, retries=9)
    async with engine(registry=registry) as e:
        tries.clock = e.clock
        await e.run("flow")
    for delay, full in zip(tries.delays, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert 0.75 * full <= delay <= full


@async_test
async def test_a_backoff_of_ones_own(some_mode: Mode, registry: Registry) -> None:
    tries = Tries(good=4)
    wire_forms("rpc", tries, retries=3, retry_delay=Backoff(first=10, most=1000, factor=10, jitter=0))
    async with some_mode.engine(registry=registry) as e:
        tries.clock = e.clock
        await e.run("flow")
    assert [round(delay, -1) for delay in tries.delays] == [10, 100, 1000]


@async_test
async def test_options_of_the_step_come_before_its_wiring_and_that_before_the_settings(
    some_mode: Mode, registry: Registry
) -> None:
    counts: dict[str, int] = {}

    @wire_rpc("wired", retries=1)
    async def wired(name: str) -> None:
        counts[name] = counts.get(name, 0) + 1
        raise ValueError

    @wire_rpc("bare")
    async def bare(name: str) -> None:
        await wired(name)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        await asyncio.gather(
            workflow.do("step", "wired", "step", retries=3),
            workflow.do("wiring", "wired", "wiring"),
            workflow.do("settings", "bare", "settings"),
            workflow.do("inline", lambda: counts.update(inline=counts.get("inline", 0) + 1) or 1 / 0, returns=int),
            return_exceptions=True,
        )

    async with some_mode.engine(registry=registry, retries=2, retry_delay="1s") as e:
        await e.run("flow")
    assert counts == {"step": 4, "wiring": 2, "settings": 3, "inline": 3}


@pytest.mark.parametrize("form", ["rpc", "inline"])
@async_test
async def test_an_attempt_ends_at_its_timeout_and_the_next_has_its_own(
    mode: Mode, registry: Registry, form: str
) -> None:
    started: list[float] = []
    clock: Any = None
    hangs = 2

    async def hang() -> str:
        started.append(clock.time())
        if len(started) <= hangs:
            await asyncio.Event().wait()
        return "in time"

    wire_rpc("hang", hang)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        target = "hang" if form == "rpc" else hang
        return await workflow.do("s", target, timeout="30s", retries=2, retry_delay="1s")

    async with mode.engine(registry=registry) as e:
        clock = e.clock
        handle = await e.start("flow")
        for attempt in (1, 2):
            for _ in range(10):
                await e.idle()
                if len(started) < attempt:
                    e.clock.advance(0.4)
            await e.idle()
            e.clock.advance("29s")
            await e.idle()
            assert len(started) == attempt, "the attempt ended before its time"
            e.clock.advance("1s")
        assert await e.result(handle) == "in time"
        step = (await e.steps(handle))["s"]
        assert step.attempts == 3


@async_test
async def test_a_timeout_that_uses_up_the_tries_is_named(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str | None:
        try:
            await workflow.do("s", asyncio.Event().wait, timeout="1m", returns=bool)
        except StepFailedError as error:
            return error.error.code
        return None

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        await e.idle()
        e.clock.advance("61s")
        assert await e.result(handle) == "step_timeout"


@async_test
async def test_a_function_in_a_thread_outlives_its_timeout_but_its_result_does_not_count(registry: Registry) -> None:
    release = threading.Event()
    calls: list[int] = []

    @wire_rpc("block", timeout="1s", retries=1, retry_delay="1s")
    def block() -> int:
        calls.append(1)
        if len(calls) == 1:
            release.wait(5)
        return len(calls) * 10

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        return await workflow.do("s", "block")

    async with engine(registry=registry) as e:
        handle = await e.start("flow")
        while not calls:  # noqa: ASYNC110 - it is another thread that calls
            await asyncio.sleep(0)
        e.clock.advance("1s")
        try:
            assert await e.result(handle) == 20
        finally:
            release.set()
        assert (await e.steps(handle))["s"].attempts == 2


@async_test
async def test_other_runs_go_on_while_one_waits_for_its_retry(mode: Mode, registry: Registry) -> None:
    tries = Tries(good=2)

    @wire_rpc("flaky", retries=1, retry_delay="1h")
    async def flaky() -> int:
        return tries()

    @wire_workflow("slow")
    async def slow(*, workflow: Any) -> int:
        return await workflow.do("s", "flaky")

    @wire_workflow("quick")
    async def quick(*, workflow: Any) -> int:
        return await workflow.do("s", lambda: 1)

    async with mode.engine(registry=registry) as e:
        tries.clock = e.clock
        began = e.clock.time()
        handle = await e.start("slow")
        await e.idle()
        assert await e.run("quick") == 1
        assert e.clock.time() - began < 60
        assert await e.result(handle) == 2


class CardDeclined(RpcError):  # noqa: N818 - as users name them
    """The card was declined."""

    code = "card_declined"

    def __init__(self, reason: str, limit: int) -> None:
        super().__init__(f"declined: {reason}")
        self.reason = reason
        self.limit = limit


class Busy(RpcError):  # noqa: N818 - as users name them
    """Try again."""

    code = "busy"
    retryable = True


@async_test
async def test_a_declared_error_is_caught_by_its_class_live_and_on_replay(mode: Mode, registry: Registry) -> None:
    attempts: list[int] = []

    @wire_rpc("charge", retries=3, retry_delay=0, raises=[CardDeclined, Busy])
    async def charge(busy: bool) -> None:
        attempts.append(1)
        if busy:
            raise Busy
        raise CardDeclined("limit", 100)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[Any]:
        try:
            await workflow.do("a", "charge", False)
        except CardDeclined as error:
            first = [type(error).__name__, str(error), error.reason, error.limit, error.__traceback__ is not None]
        await workflow.do("between", lambda: 1)
        try:
            await workflow.do("b", "charge", True)
        except Busy as error:
            return [*first, str(error)]
        return first

    async with mode.engine(registry=registry) as e:
        output = await run_and_replay(e, "flow")
    assert output == ["CardDeclined", "declined: limit", "limit", 100, True, "Try again."]
    assert len(attempts) == 1 + 4, "a declared error is not retried unless its class says so"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": "x" * 8000, "receipt": "é" * 9000}, "fields of CardDeclined are .*'receipt' alone is 18002"),
        ({"reason": object()}, "CardDeclined cannot be recorded with its fields: .*object"),
    ],
)
@async_test
async def test_an_error_whose_fields_cannot_be_recorded_ends_its_step_and_says_so(
    some_mode: Mode, registry: Registry, fields: dict[str, Any], said: str
) -> None:
    attempts: list[int] = []

    def decline() -> CardDeclined:
        attempts.append(1)
        error = CardDeclined("limit", 100)
        vars(error).update(fields)
        return error

    @wire_rpc("charge", retries=3, raises=[CardDeclined])
    async def charge() -> None:
        raise decline()

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> None:
        try:
            await workflow.do("a", "charge")
        except StepFailedError:
            raise decline() from None

    async with some_mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("flow"))
        assert run.status is RunStatus.FAILED
        assert run.error is not None
        assert run.error.code == "error_fields"
        step = (await e.steps(run.run_id))["a"]
        assert step.error is not None
        assert (step.error.type, step.error.code, step.attempts) == ("ErrorFieldsError", "error_fields", 1)
        assert re.search(said, step.error.message)
        assert "declined: limit" in (step.error.traceback or ""), "what happened is still to be seen"
        assert len(attempts) == 2


@async_test
async def test_secrets_in_the_fields_of_an_error_are_not_recorded(some_mode: Mode, registry: Registry) -> None:
    @wire_rpc("charge", raises=[CardDeclined])
    async def charge() -> None:
        error = CardDeclined("no answer from https://ada:hunter2secret@bank.example", 100)
        vars(error).update(password="hunter2secret")
        raise error

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[Any]:
        try:
            await workflow.do("a", "charge")
        except CardDeclined as error:
            return [error.limit, vars(error)["password"], error.reason]
        return []

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        limit, password, reason = await e.result(handle)
        assert (limit, password) == (100, "[redacted]")
        assert reason.startswith("no answer from")
        step = (await e.steps(handle))["a"]
        assert step.error is not None
        assert "hunter2secret" not in f"{step.error}"


@async_test
async def test_an_undeclared_error_is_its_record_only(some_mode: Mode, registry: Registry) -> None:
    @wire_rpc("charge")
    async def charge() -> None:
        raise CardDeclined("limit", 100)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[Any]:
        try:
            await workflow.do("a", "charge")
        except StepFailedError as error:
            return [error.error.type, error.error.code, error.error.message, error.__cause__ is None]
        return []

    async with some_mode.engine(registry=registry) as e:
        assert await run_and_replay(e, "flow") == ["CardDeclined", "card_declined", "declined: limit", True]


@async_test
async def test_a_step_that_cancels_itself_has_failed(mode: Mode, registry: Registry) -> None:
    counts: list[str] = []

    async def cancels_itself() -> int:
        counts.append("call")
        task = asyncio.ensure_future(asyncio.sleep(10))
        task.cancel()
        await task
        return 1

    def raises_cancelled() -> int:
        counts.append("call")
        raise asyncio.CancelledError

    wire_rpc("cancels", cancels_itself)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        seen = []
        for name, target, options in (
            ("rpc", "cancels", {}),
            ("inline", cancels_itself, {}),
            ("plain", raises_cancelled, {}),
            ("threaded", raises_cancelled, {"thread": True}),
        ):
            try:
                await workflow.do(name, target, retries=1, retry_delay=0, **options)
            except StepFailedError as error:
                seen.append(f"{name} {error.error.type} {error.attempts}")
        return seen

    async with mode.engine(registry=registry) as e:
        output = await run_and_replay(e, "flow")
    assert output == [f"{name} CancelledError 2" for name in ("rpc", "inline", "plain", "threaded")]
    assert len(counts) == 8


@async_test
async def test_steps_end_in_worker_lost_after_ten_deaths(some_mode: Mode, registry: Registry) -> None:
    started: list[int] = []

    @wire_rpc("kills")
    async def kills() -> None:
        started.append(1)
        await asyncio.Event().wait()

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        try:
            await workflow.do("s", "kills", retries=2)
        except StepFailedError as error:
            return f"{error.error.code}"
        return "done"

    # The run's own worker stays alive, so that only the step is taken over.
    async with some_mode.engine(registry=registry, queues=["workflow-flow-orchestrator"]) as e:
        handle = await e.start("flow")
        for death in range(1, 11):
            async with second_worker(e, queues=["workflow-flow-[*]"]) as other:
                while len(started) < death:
                    e.clock.advance(0.4)
                    await other.idle()
                await other.crash()
        async with second_worker(e, queues=["workflow-flow-[*]"]):
            assert await e.result(handle) == "worker_lost"
        step = (await e.steps(handle))["s"]
        assert (step.deaths, len(started), step.status) == (10, 10, StepStatus.FAILED)


@async_test
async def test_the_death_of_a_worker_is_no_try(some_mode: Mode, registry: Registry) -> None:
    seen: list[tuple[int, str]] = []
    gates = Gates()

    @wire_rpc("s")
    async def step(*, step: Step) -> int:
        seen.append((step.attempt, step.idempotency_key))
        await gates.wait("s")
        return step.attempt

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        return await workflow.do("s", "s")

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        while not seen:
            await e.idle()
        await e.crash()
        gates.open_all()
        await e.begin()
        assert await e.result(handle) == 1
        assert seen == [(1, f"{handle.run_id}/1/s")] * 2
        assert (await e.steps(handle))["s"].deaths == 1


@async_test
async def test_a_run_that_kills_its_workers_is_blocked_as_a_crash_loop(some_mode: Mode, registry: Registry) -> None:
    deadly = True
    started: list[int] = []

    async def kills() -> int:
        started.append(1)
        if deadly:
            await asyncio.Event().wait()
        return 5

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        await workflow.do("before", lambda: 1)
        return await workflow.do("s", kills)

    async with some_mode.engine(registry=registry, code_hash="1") as e:
        handle = await e.start("flow")
        for death in range(1, 11):
            while len(started) < death:
                e.clock.advance(0.4)
                await e.idle()
            await e.restart()
        run = await e.settle(handle)
        assert run.status is RunStatus.BLOCKED
        assert run.error is not None and run.error.code == "crash_loop"
        deadly = False
        await e.restart(code_hash="2")
        assert await e.result(handle) == 5


@async_test
async def test_getting_on_ends_the_count_of_takeovers(some_mode: Mode, registry: Registry) -> None:
    gates = Gates()

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        async def wait(name: str) -> int:
            await gates.wait(name)
            return 1

        return sum([await workflow.do(f"s{i}", lambda i=i: wait(f"s{i}"), returns=int) for i in range(13)])

    async with some_mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        for i in range(12):
            gates.open(f"s{i}")
            while f"s{i + 1}" not in gates.entered:
                e.clock.advance(0.4)
                await e.idle()
            await e.restart()
        gates.open("s12")
        assert await e.result(handle) == 13


@async_test
async def test_services_are_injected_by_name(some_mode: Mode, registry: Registry) -> None:
    @dataclass
    class Own:
        db: str

    @wire_rpc("read")
    async def read(key: str, *, db: str, step: Step, logger: Any, cache: str = "no cache") -> str:
        return f"{db} {key} {step.step_name} {cache}"

    @wire_workflow("flow")
    async def flow(data: str, *, workflow: Any, db: str, logger: Any) -> list[str]:
        return [await workflow.do("a", "read", data), await workflow.do("b", lambda: db)]

    async with some_mode.engine(registry=registry, services=Own("postgres")) as e:
        assert await run_and_replay(e, "flow", "k") == ["postgres k a no cache", "postgres"]


@async_test
async def test_a_missing_service_stops_the_worker_from_starting(registry: Registry) -> None:
    @wire_rpc("read")
    async def read(*, database: str) -> str:
        return database

    with pytest.raises(MissingServiceError, match="did you mean 'data_base'"):
        async with engine(registry=registry, services=type("Own", (), {"data_base": 1})()):
            pass


@async_test
async def test_middleware_surrounds_rpcs_and_workflows(mode: Mode, registry: Registry) -> None:
    log: list[str] = []

    async def timing(call: Call, proceed: Proceed) -> object:
        log.append(f"> {call.name} {call.data}")
        value: Any = await proceed()
        log.append(f"< {call.name}")
        return value + 1

    async def audit(call: Call, proceed: Proceed) -> object:
        began = await call.workflow.do("audit.begin", lambda: call.actor or "nobody")
        value = await proceed()
        await call.workflow.do("audit.end", lambda: None)
        return f"{began}: {value}"

    @wire_rpc("double", middleware=[timing])
    async def double(n: int) -> int:
        return n * 2

    @wire_workflow("flow", middleware=[audit])
    async def flow(n: int, *, workflow: Any) -> str:
        return str(await workflow.do("double", "double", n))

    async with mode.engine(registry=registry) as e:
        assert await run_and_replay(e, "flow", 4, actor="ada") == "ada: 9"
        names = list(await e.steps((await e.client.list_runs()).runs[0].run_id))
    assert log == ["> double 4", "< double"]
    assert names == ["audit.begin", "double", "audit.end"]


@async_test
async def test_a_permission_refuses_and_no_run_exists(registry: Registry) -> None:
    async def may(call: Call) -> bool:
        return call.actor == "ada"

    @wire_workflow("flow", permissions=[lambda call: True, may])
    async def flow() -> int:
        return 1

    async with engine(registry=registry) as e:
        with pytest.raises(PermissionDeniedError, match="may refused to start workflow 'flow'"):
            await e.start("flow", actor="bob")
        assert (await e.client.list_runs()).runs == ()
        assert await e.result(await e.start("flow", actor="ada")) == 1


@async_test
async def test_a_bare_invoke_is_made_again_on_replay_and_a_plain_call_in_a_step(mode: Mode, registry: Registry) -> None:
    calls: list[str] = []

    @wire_rpc("settings")
    async def settings(name: str) -> str:
        calls.append(name)
        return name.upper()

    @wire_rpc("outer")
    async def outer(*, rpc: Any) -> str:
        return await rpc.invoke("settings", "in an rpc")

    @wire_workflow("flow")
    async def flow(*, workflow: Any, rpc: Any) -> list[str]:
        first = await rpc.invoke(RpcCall("settings", "bare"))
        inside = await workflow.do("a", "outer")
        inline = await workflow.do("b", lambda: rpc.invoke("settings", "in a step"), returns=str)
        return [first, inside, inline]

    async with mode.engine(registry=registry) as e:
        assert await run_and_replay(e, "flow") == ["BARE", "IN AN RPC", "IN A STEP"]
    assert calls.count("in an rpc") == calls.count("in a step") == 1
    assert calls.count("bare") >= 2, "the replay asked again"


@async_test
async def test_an_invoke_that_fails_raises_what_the_rpc_raised(some_mode: Mode, registry: Registry) -> None:
    @wire_rpc("broken")
    async def broken() -> None:
        raise KeyError("nothing")

    @wire_workflow("flow")
    async def flow(*, workflow: Any, rpc: Any) -> str:
        try:
            await rpc.invoke("broken")
        except KeyError as error:
            return repr(error)
        return ""

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("flow") == "KeyError('nothing')"


@async_test
async def test_invokes_are_held_back_during_replay_until_they_are_missed(mode: Mode, registry: Registry) -> None:
    """Two branches invoke; the answer of one came early and that of the other late."""
    gates = Gates()

    @wire_rpc("ask")
    async def ask(name: str) -> str:
        await gates.wait(f"invoke {name}")
        return name

    @wire_rpc("step")
    async def step(name: str) -> str:
        await gates.wait(name)
        return name

    @wire_workflow("flow")
    async def flow(*, workflow: Any, rpc: Any) -> list[str]:
        log: list[str] = []

        async def invokes(name: str) -> None:
            await rpc.invoke("ask", name)
            await workflow.do(f"after-{name}", "step", f"after-{name}")
            log.append(name)

        async def steps() -> None:
            for name in ("x", "y", "z"):
                await workflow.do(name, "step", name)
                log.append(name)

        await asyncio.gather(invokes("first"), invokes("second"), steps())
        return log

    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        gates.open("invoke first", "x", "y")
        for _ in range(300):
            await asyncio.sleep(0)
        await e.idle()
        await e.crash()
        gates.open_all()
        await e.begin()
        assert sorted(await e.result(handle)) == ["first", "second", "x", "y", "z"]


@async_test
async def test_an_invoke_that_fails_during_replay_is_tried_again(registry: Registry) -> None:
    gates = Gates()
    broken = 0

    @wire_rpc("ask")
    async def ask() -> str:
        nonlocal broken
        if broken:
            broken -= 1
            raise ConnectionError("for a moment")
        return "answer"

    @wire_rpc("step")
    async def step(name: str) -> str:
        await gates.wait(name)
        return name

    @wire_workflow("flow")
    async def flow(*, workflow: Any, rpc: Any) -> str:
        answer = await rpc.invoke("ask")
        await workflow.do("a", "step", "a")
        return answer

    async with engine(registry=registry) as e:
        handle = await e.start("flow")
        await e.idle()
        await e.crash()
        broken = 2
        gates.open_all()
        await e.begin()
        assert await e.result(handle) == "answer"


@async_test
async def test_the_logger_is_silent_on_replay(mode: Mode, registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    @wire_rpc("step")
    async def step(n: int) -> int:
        return n

    @wire_workflow("flow")
    async def flow(*, workflow: Any, logger: Any) -> None:
        for i in range(3):
            logger.info("before %s", i)
            await workflow.do(f"s{i}", "step", i)
        logger.info("ended")

    with caplog.at_level(logging.INFO, logger="pyflow.workflow.flow"):
        async with mode.engine(registry=registry) as e:
            await e.run("flow")
    lines = [record.getMessage().split(" [")[0] for record in caplog.records if record.name.endswith("flow.flow")]
    assert lines == ["before 0", "before 1", "before 2", "ended"]


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


@async_test
async def test_inline_steps_see_the_context_of_their_caller(mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        async def read() -> str:
            await asyncio.sleep(0)
            return VARIABLE.get()

        outside = await workflow.do("outside", VARIABLE.get)
        VARIABLE.set("inside")

        async def branch(name: str) -> list[str]:
            VARIABLE.set(name)
            return [
                await workflow.do(f"{name}-plain", VARIABLE.get),
                await workflow.do(f"{name}-async", read),
                await workflow.do(f"{name}-thread", VARIABLE.get, thread=True, retries=1),
            ]

        branches = await asyncio.gather(branch("a"), branch("b"))
        return [outside, *(value for values in branches for value in values), VARIABLE.get()]

    VARIABLE.set("of the caller of start")
    async with mode.engine(registry=registry) as e:
        output = await run_and_replay(e, "flow")
    assert output == ["unset", "a", "a", "a", "b", "b", "b", "inside"]


@async_test
async def test_plain_functions_run_in_threads_and_beside_each_other(registry: Registry) -> None:
    barrier = threading.Barrier(3, timeout=5)

    @wire_rpc("meet")
    def meet() -> str:
        barrier.wait()
        return threading.current_thread().name

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        return await asyncio.gather(
            workflow.do("a", "meet"), workflow.do("b", "meet"), workflow.do("c", meet, thread=True)
        )

    async with engine(registry=registry) as e:
        names = await e.run("flow")
    assert all(name.startswith("pyflow-step") for name in names)
    assert len(set(names)) == 3


@async_test
async def test_inline_mode_gives_a_settled_handle(some_mode: Mode, registry: Registry) -> None:
    @wire_rpc("double")
    async def double(n: int) -> int:
        return n * 2

    @wire_workflow("flow", execution_mode="inline")
    async def flow(n: int, *, workflow: Any) -> int:
        return await workflow.do("a", "double", n) + await workflow.do("b", lambda: 1)

    @wire_workflow("blocks", execution_mode="inline")
    async def blocks(*, workflow: Any) -> int:
        await asyncio.sleep(1)
        return 1

    async with some_mode.engine(registry=registry) as e:
        handle = await e.client.start("flow", 4)
        assert await handle.status() is RunStatus.COMPLETED
        assert await handle.result() == 9
        blocked = await e.client.start("blocks")
        assert await blocked.status() is RunStatus.BLOCKED


@async_test
async def test_starting_with_a_run_id_is_starting_once(mode: Mode, registry: Registry) -> None:
    calls: list[int] = []

    @wire_workflow("flow")
    async def flow(n: int, *, workflow: Any) -> int:
        return await workflow.do("a", lambda: calls.append(n) or n, returns=int)

    async with mode.engine(registry=registry) as e:
        handles = await asyncio.gather(*(e.start("flow", n, run_id="one") for n in range(5)))
        results = [await e.result(handle) for handle in handles]
        assert results == [calls[0]] * 5
        assert len(calls) == 1
        _, created = await e.client.create("flow", 9, run_id="one")
        assert not created


@async_test
async def test_the_loop_of_a_workflow_tells_recorded_time(mode: Mode, registry: Registry) -> None:
    @wire_rpc("step", retries=1, retry_delay="1h")
    async def step(*, step: Step) -> int:
        if step.attempt == 1:
            raise ValueError
        return 1

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[float]:
        loop = asyncio.get_running_loop()
        times = [loop.time()]
        await workflow.do("a", "step")
        return [*times, loop.time()]

    async with mode.engine(registry=registry) as e:
        began = e.clock.time()
        first, second = await run_and_replay(e, "flow")
        assert began <= first <= began + 1
        assert 3600 <= second - first <= 3605
    assert time.time() - began > 1e6, "virtual time is not the machine's"


@pytest.mark.parametrize("missing", ["the RPC", "its input type"])
@async_test
async def test_a_step_that_this_code_cannot_run_blocks_its_run_and_does_not_fail(
    mode: Mode, registry: Registry, missing: str
) -> None:
    attempts: list[int] = []

    @wire_rpc("changing", retries=1, retry_delay="1s")
    async def changing(n: int) -> int:
        attempts.append(n)
        if len(attempts) == 1:
            if missing == "the RPC":
                del registry.rpcs["changing"]
            else:
                registry.rpcs["changing"] = replace(known, func=changed)
            raise ConnectionError("once")
        return n

    async def changed(n: list[str]) -> int:
        raise AssertionError(n)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        other = asyncio.create_task(workflow.do("other", "steady", 1))
        return await workflow.do("step", "changing", 7) + await other

    @wire_rpc("steady")
    async def steady(n: int) -> int:
        return n

    known = registry.rpcs["changing"]
    async with mode.engine(registry=registry) as e:
        handle = await e.start("flow")
        run = await e.settle(handle)
        assert run.status is RunStatus.BLOCKED
        assert run.error is not None
        # Where the run is replayed after each step, its orchestrator meets the new type first.
        assert run.error.code in (["unknown_rpc"] if missing == "the RPC" else ["stored_value", "refused_value"])
        step = (await e.steps(handle))["step"]
        assert (step.status, step.attempts, step.seq) == (StepStatus.PENDING, 1, None)
        registry.rpcs["changing"] = known
        await e.state.redrive(handle.run_id)
        assert await e.result(handle) == 8
    assert attempts == [7, 7]


@async_test
async def test_a_worker_that_cannot_run_a_step_blocks_a_run_that_another_one_holds(
    some_mode: Mode, registry: Registry
) -> None:
    gates = Gates()

    @wire_rpc("known")
    async def known(n: int) -> int:
        return n

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> int:
        held = asyncio.create_task(workflow.do("held", lambda: gates.wait("held")))
        got = await workflow.do("step", "known", 2)
        await held
        return got

    older = copy.copy(registry)
    older.rpcs = {}
    async with some_mode.engine(registry=registry, queues=["workflow-flow-orchestrator"]) as e:
        handle = await e.start("flow")
        await gates.entered_by("held")
        async with second_worker(e, registry=older, queues=["workflow-flow-[*]"]):
            run = await e.settle(handle)
        assert (run.status, run.owner) == (RunStatus.BLOCKED, None)
        while e.worker.busy:
            e.clock.advance(0.1)
            await e.idle()
        async with second_worker(e, queues=["workflow-flow-[*]"]):
            gates.open_all()
            await e.state.redrive(handle.run_id)
            assert await e.result(handle) == 2


class Exits(Tries):
    """Ends the program, as `sys.exit()` in a library does."""

    def __call__(self) -> int:
        self.times.append(self.clock.time())
        raise SystemExit(3)


@pytest.mark.parametrize("form", FORMS)
@async_test
async def test_a_step_that_exits_the_program_has_failed_and_its_worker_goes_on(
    mode: Mode, registry: Registry, form: str
) -> None:
    tries = Exits(good=0)
    wire_forms(form, tries, retries=1, retry_delay=0)
    async with mode.engine(registry=registry) as e:
        tries.clock = e.clock
        assert await run_and_replay(e, "flow") == "s 2 SystemExit 3"
        assert len(tries.times) == 2


@async_test
async def test_an_error_without_words_is_told_by_its_type_alone(some_mode: Mode, registry: Registry) -> None:
    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> str:
        try:
            await workflow.do("s", lambda: asyncio.Queue(1).get_nowait())
        except StepFailedError as error:
            return str(error)
        raise AssertionError

    async with some_mode.engine(registry=registry) as e:
        assert await e.run("flow") == "step 's' failed after 1 attempt: QueueEmpty"


async def exits(workflow: Any) -> None:
    del workflow
    raise SystemExit(3)


async def exits_in_a_branch(workflow: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(exits(workflow))
        group.create_task(workflow.do("s", lambda: 1))


async def exits_in_an_invocation(workflow: Any, rpc: Any) -> None:
    del workflow
    await rpc.invoke("exit")


@pytest.mark.parametrize("flow", [exits, exits_in_a_branch, exits_in_an_invocation])
@async_test
async def test_a_workflow_that_exits_the_program_has_failed_and_its_worker_goes_on(
    mode: Mode, registry: Registry, caplog: pytest.LogCaptureFixture, flow: Any
) -> None:
    @wire_rpc("exit")
    async def end() -> None:
        raise SystemExit(3)

    async def exiting(*, workflow: Any, rpc: Any) -> None:
        await (flow(workflow, rpc) if flow is exits_in_an_invocation else flow(workflow))

    async def good(*, workflow: Any) -> int:
        return int(await workflow.do("s", lambda: 1))

    wire_workflow("exiting", exiting)
    wire_workflow("good", good)
    async with mode.engine(registry=registry) as e:
        run = await e.settle(await e.start("exiting"))
        assert run.status is RunStatus.FAILED
        assert run.error is not None
        assert (run.error.type, run.error.message) == ("SystemExit", "3")
        assert await e.run("good") == 1
    assert "a callback failed" not in caplog.text
