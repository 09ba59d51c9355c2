"""Who may write: leases, epochs, wake-ups, and several workers on one store."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, replay, run_and_replay, second_worker
from pyflow_services.memory import MemoryStateService

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.errors import StoreUnavailableError
from pyflow_core.ports.state import RunStatus
from pyflow_core.project import WorkflowPlan
from pyflow_core.testing import Engine, engine
from pyflow_core.testing.interception import intercept

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


async def numbered(e: Engine, run_id: str) -> None:
    """Return when the run has a number."""
    while not (await e.client.get_run(run_id)).seq:  # noqa: ASYNC110 - every turn of the loop is looked at
        await asyncio.sleep(0)


class Services:
    def __init__(self, gates: Gates) -> None:
        self.gates = gates


async def hold(name: str, *, gates: Gates) -> str:
    await gates.wait(name)
    return name


def wire(registry: Registry) -> None:
    del registry
    wire_rpc("hold", hold)

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        log = [await workflow.do("a", "hold", "a")]
        log += await asyncio.gather(workflow.do("b", "hold", "b"), workflow.do("c", lambda: "c"))
        return [*log, await workflow.do("d", "hold", "d")]


@pytest.mark.parametrize("fused", [True, False])
@async_test
async def test_a_worker_that_was_taken_over_writes_nothing_more(
    registry: Registry, caplog: pytest.LogCaptureFixture, fused: bool
) -> None:
    wire(registry)
    gates = Gates()
    async with engine(registry=registry, services=Services(gates), fused=fused) as e:
        handle = await e.start("flow")
        gates.open("a")
        while "b" not in gates.entered:
            await e.idle()
        old = e.worker.worker_id
        waiting = asyncio.ensure_future(handle.result())
        await e.idle()
        async with second_worker(e, services=Services(gates)) as other:
            e.state.expire(old)  # type: ignore[attr-defined]
            while gates.entered.count("b") < 2:
                other.clock.advance(0.1)
                await other.idle()
            seen = len(await e.state.list_events(handle.run_id))
            # Both workers run the step now; the old one is first to end, and is refused.
            gates.open_all()
            assert await other.result(handle.run_id) == ["a", "b", "c", "d"]
            events = (await e.state.list_events(handle.run_id))[seen:]
            assert {event.worker for event in events if event.worker} == {other.worker.worker_id}
            steps = await e.steps(handle)
            assert (steps["a"].attempts, steps["b"].attempts, steps["b"].deaths) == (1, 1, 1)
            # Who waits at the old worker is told all the same.
            while not waiting.done():
                e.clock.advance(0.5)
                await e.idle()
            assert await waiting == ["a", "b", "c", "d"]


@async_test
async def test_a_worker_that_lost_its_lease_starts_anew(some_mode: Mode, registry: Registry) -> None:
    wire(registry)
    gates = Gates()
    async with some_mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        while "a" not in gates.entered:
            await e.idle()
        old = e.worker.worker_id
        e.state.expire(old)
        e.worker._lease_lost()
        await e.idle()
        assert e.worker.worker_id != old
        e.clock.on_advance.clear()
        gates.open_all()
        assert await e.result(handle) == ["a", "b", "c", "d"]
        assert (await e.steps(handle))["a"].attempts == 1


@pytest.mark.parametrize("when", ["before the step ends", "between its end and the commit"])
@async_test
async def test_a_fused_turn_that_was_overtaken_is_replayed_in_the_order_of_numbers(
    registry: Registry, when: str
) -> None:
    order: list[str] = []

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        log: list[str] = []

        async def branch(name: str) -> None:
            await workflow.do(name, "hold", name)
            log.append(name)
            await workflow.do(f"after-{name}", lambda: order.append(name))

        await asyncio.gather(branch("here"), branch("there"))
        return log

    wire_rpc("hold", hold)
    gates = Gates()
    plans = [WorkflowPlan(name="flow", code_hash="", steps=("here", "there"))]
    here = ["workflow-flow-orchestrator", "workflow-flow-here"]
    async with engine(registry=registry, services=Services(gates), plans=plans, queues=here) as e:
        commit = e.state.commit
        meeting = asyncio.Event()

        async def slow_commit(activation: Any) -> Any:
            if when == "between its end and the commit" and activation.exact and not meeting.is_set():
                meeting.set()
                gates.open("there")
                await numbered(e, handle.run_id)
            return await commit(activation)

        e.state.commit = slow_commit  # type: ignore[method-assign]
        await e.idle()
        handle = await e.start("flow")
        there = ["workflow-flow-there"]
        async with second_worker(e, services=Services(gates), plans=plans, queues=there) as other:
            while len(gates.entered) < 2:
                other.clock.advance(0.1)
                await other.idle()
            if when == "before the step ends":
                gates.open("there")
                await e.idle()
            gates.open("here")
            output = await e.result(handle)
            assert output == ["there", "here"]
            assert meeting.is_set() == (when == "between its end and the commit")
            steps = await e.steps(handle)
            assert [steps[name].seq for name in ("there", "here")] == [1, 2]
            assert (await replay(e, handle.run_id)).outcome == output


@pytest.mark.parametrize("parking_turns", range(8))
@async_test
async def test_no_wake_up_is_lost_between_parking_and_a_result(registry: Registry, parking_turns: int) -> None:
    """The orchestrator parks while the worker of its step finishes, in every interleaving."""
    wire(registry)
    for finishing_turns in range(8):
        gates = Gates()
        gates.open_all()

        async def delay(method: str, call: Any, turns: int = finishing_turns) -> Any:
            wait = {"commit": parking_turns, "finish_step": turns}.get(method, 0)
            for _ in range(wait):
                await asyncio.sleep(0)
            answer = await call()
            for _ in range(wait):
                await asyncio.sleep(0)
            return answer

        async with (
            engine(
                registry=registry,
                services=Services(gates),
                state=lambda clock, delay=delay: intercept(MemoryStateService(clock=clock), delay),
                queues=["workflow-flow-orchestrator"],
            ) as e,
            second_worker(e, services=Services(gates), queues=["workflow-flow-[*]"]),
        ):
            began = e.clock.time()
            assert await e.run("flow") == ["a", "b", "c", "d"]
            assert e.clock.time() - began < 0.4, "nobody was woken; the run was found by chance"


@async_test
async def test_a_run_left_to_its_dead_last_owner_is_found(some_mode: Mode, registry: Registry) -> None:
    wire(registry)
    gates = Gates()
    async with some_mode.engine(registry=registry, services=Services(gates), queues=["workflow-*-orchestrator"]) as e:
        handle = await e.start("flow")
        await e.idle()
        # It has parked. Its owner dies, and another worker ends its step at once.
        gates.open_all()
        await e.restart(queues=["*"])
        assert await e.result(handle) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("held_back", "looks"), [("claim_steps", 1), ("commit", 5)])
@async_test
async def test_a_worker_in_doubt_waits_for_answers_that_are_under_way(
    registry: Registry, held_back: str, looks: int
) -> None:
    """A claim has taken effect, and its answer is on its way, when the worker looks for what it does not know of.

    Of a step that is born claimed it knows from the first.
    """
    wire(registry)
    gates = Gates()
    gates.open_all()
    answered = asyncio.Event()

    async def hold_back(method: str, call: Any) -> Any:
        answer = await call()
        if method == held_back and answer:
            await answered.wait()
        return answer

    async with engine(
        registry=registry,
        services=Services(gates),
        state=lambda clock: intercept(MemoryStateService(clock=clock), hold_back),
        fused=held_back == "commit",
    ) as e:
        for _ in range(50):
            await asyncio.sleep(0)
        handle = await e.start("flow")
        for _ in range(50):
            await asyncio.sleep(0)
        assert (await e.steps(handle))["a"].worker == e.worker.worker_id
        assert [claim.step_name for claim in await e.state.held_steps(e.worker.worker_id)] == ["a"]
        for _ in range(looks):
            e.worker.doubt()
            e.clock.advance(0.4)
            for _ in range(50):
                await asyncio.sleep(0)
        answered.set()
        assert await e.result(handle) == ["a", "b", "c", "d"]
        assert gates.entered == ["a", "b", "d"]
        assert "step.released" not in [event.type for event in await e.state.list_events(handle.run_id)]


@async_test
async def test_a_full_queue_does_not_keep_the_worker_busy(registry: Registry) -> None:
    @wire_rpc("hold")
    async def hold(name: str, *, gates: Gates) -> str:
        await gates.wait(name)
        return name

    @wire_workflow("flow")
    async def flow(*, workflow: Any) -> list[str]:
        return await asyncio.gather(*(workflow.do(name, "hold", name) for name in "abc"))

    @wire_workflow("other")
    async def other(*, workflow: Any) -> str:
        return await workflow.do("x", "hold", "x")

    calls: list[str] = []

    async def count(method: str, call: Any) -> Any:
        calls.append(method)
        return await call()

    gates = Gates()
    async with engine(
        registry=registry,
        services=Services(gates),
        concurrency=1,
        state=lambda clock: intercept(MemoryStateService(clock=clock), count),
    ) as e:
        handle = await e.start("flow")
        await e.idle()
        calls.clear()
        for _ in range(200):
            await asyncio.sleep(0)
        assert calls == [], "the worker looks for steps that it has no slot for"
        for name in "abc":
            gates.open(name)
            await e.idle()
        assert await e.result(handle) == ["a", "b", "c"]


@async_test
async def test_a_store_tells_what_a_worker_holds(some_mode: Mode, registry: Registry) -> None:
    wire(registry)
    gates = Gates()
    async with some_mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        while "a" not in gates.entered:
            await e.idle()
        (claim,) = await e.state.held_steps(e.worker.worker_id)
        assert (claim.run_id, claim.step_name, claim.rpc_name) == (handle.run_id, "a", "hold")
        assert (claim.workflow, claim.generation, claim.attempts, claim.input.inline) == ("flow", 1, 1, '"a"')
        assert await e.state.held_steps("nobody") == []
        gates.open_all()
        await e.result(handle)
        assert await e.state.held_steps(e.worker.worker_id) == []


@async_test
async def test_two_workers_share_the_work(some_mode: Mode, registry: Registry) -> None:
    wire(registry)
    gates = Gates()
    gates.open_all()
    async with (
        some_mode.engine(registry=registry, services=Services(gates), concurrency=2) as e,
        second_worker(
            e, services=Services(gates), concurrency=2, fused=some_mode.fused, cache=some_mode.cache
        ) as other,
    ):
        handles = [await (e if i % 2 else other).start("flow") for i in range(20)]
        for handle in handles:
            assert await e.result(handle.run_id) == ["a", "b", "c", "d"]


@async_test
async def test_a_worker_that_closes_gives_everything_back(mode: Mode, registry: Registry) -> None:
    wire(registry)
    gates = Gates()
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        while "a" not in gates.entered:
            await e.idle()
        e.worker._drain_seconds = 0.0
        await e.worker.close()
        run = await e.client.get_run(handle.run_id)
        assert (run.owner, run.status.settled) == (None, False)
        assert (await e.steps(handle))["a"].worker is None
        gates.open_all()
        await e.begin()
        assert await e.result(handle) == ["a", "b", "c", "d"]
        step = (await e.steps(handle))["a"]
        assert (step.attempts, step.deaths) == (1, 0), "closing is neither a try nor a death"


@async_test
async def test_a_worker_that_closes_lets_steps_end(some_mode: Mode, registry: Registry) -> None:
    wire(registry)
    gates = Gates()
    async with some_mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        while "a" not in gates.entered:
            await e.idle()
        closing = asyncio.ensure_future(e.worker.close())
        await e.idle()
        gates.open("a")
        await closing
        assert (await e.steps(handle))["a"].output.inline == '"a"'
        gates.open_all()
        await e.begin()
        assert await e.result(handle) == ["a", "b", "c", "d"]
        assert gates.entered.count("a") == 1


@async_test
async def test_a_store_that_cannot_be_reached_for_a_while_loses_nothing(
    some_mode: Mode, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    wire(registry)
    gates = Gates()
    down = False

    async def fail(method: str, call: Any) -> Any:
        if down and method not in ("get_run", "settled", "list_steps", "list_events"):
            await asyncio.sleep(0)
            raise StoreUnavailableError("down for a test")
        return await call()

    with caplog.at_level(logging.CRITICAL):
        async with some_mode.engine(registry=registry, services=Services(gates)) as e:
            e._watched = intercept(e._watched, fail)
            await e.restart()
            handle = await e.start("flow")
            for name in "abd":
                while name not in gates.entered:
                    e.clock.advance(0.1)
                    await e.idle()
                down = True
                gates.open(name)
                for _ in range(30):
                    e.clock.advance(1)
                    await e.idle()
                assert await handle.status() in (RunStatus.RUNNING, RunStatus.WAITING)
                down = False
            assert await e.result(handle) == ["a", "b", "c", "d"]
            assert gates.entered == ["a", "b", "d"]


@async_test
async def test_a_queue_service_brings_the_jobs(registry: Registry) -> None:
    """With a queue outside the store the rows are the outbox; duplicated jobs are harmless."""
    from pyflow_services.memory import MemoryQueueService

    from pyflow_core.client import Client
    from pyflow_core.engine.runtime import Runtime
    from pyflow_core.engine.worker import Worker
    from pyflow_core.testing import VirtualClock

    wire(registry)
    gates = Gates()
    gates.open_all()
    for fused in (True, False):
        for copies in (1, 2):
            clock = VirtualClock()
            state = MemoryStateService(clock=clock)
            queue = MemoryQueueService(clock=clock, sleep=clock.sleep, copies=copies)
            runtime = Runtime(registry, services=Services(gates), clock=clock)
            client = Client(state, queue, runtime, clock)
            worker = Worker(state, runtime, clock, queue=queue, fused=fused, settled=client.settled, left=client.left)
            await worker.start()
            serving = asyncio.ensure_future(worker.serve())
            handle = await client.start("flow")
            result = asyncio.ensure_future(handle.result())
            for _ in range(500):
                if result.done():
                    break
                await asyncio.sleep(0)
                clock.advance(0.001)
            assert result.done()
            assert result.result() == ["a", "b", "c", "d"]
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await worker.kill()
            await client.close()


@async_test
async def test_a_run_is_the_same_whoever_drives_it(registry: Registry) -> None:
    """A run handed from worker to worker after every step."""
    wire(registry)
    gates = Gates()
    async with engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start("flow")
        for name in ("a", "b", "d"):
            while name not in gates.entered:
                e.clock.advance(0.1)
                await e.idle()
            gates.open(name)
            await e.idle()
            await e.restart()
        assert await e.result(handle) == ["a", "b", "c", "d"]
        assert (await replay(e, handle.run_id)).outcome == ["a", "b", "c", "d"]
        assert await run_and_replay(e, "flow") == ["a", "b", "c", "d"]
