"""What the memory store offers to tests beyond its port, and that it stays fast."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_services.memory import MemoryStateService, queue_from_url, state_from_url

from pyflow_core.clock import SystemClock
from pyflow_core.ports.state import (
    Activation,
    Envelope,
    NewRun,
    NewStep,
    ParkedRun,
    RunClaim,
    RunFilter,
    RunStatus,
    Settlement,
    StepForm,
    StepResult,
    StepRetry,
    WorkerInfo,
)
from pyflow_core.testing.contracts.bench import FAILURE, ONE, RUN, TWO, StateBench, ask, blocked, failed
from pyflow_core.testing.contracts.scenario import ManualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType
    from typing import Self

VALUE = Envelope(inline="1")


class CrashError(Exception):
    """What a test throws at a fault point."""


async def _bench() -> tuple[MemoryStateService, StateBench]:
    clock = ManualClock()
    store = MemoryStateService(clock=clock)
    bench = StateBench(store, store, clock)
    await bench.join(ONE)
    await bench.join(TWO)
    return store, bench


async def _one_of_each(bench: StateBench) -> dict[str, Callable[[], Awaitable[object]]]:
    """Every operation that commits, each ready to be made."""
    await bench.create("own")
    names = ["finish", "retry", "release", "claim", "claims"]
    await bench.turn("own", asks=[ask(name) for name in names])
    claims = {name: await bench.claim_step(name, run_id="own") for name in names[:3]}
    await bench.create("ready", owner=None)
    await bench.create("many", owner=None)
    for run_id, end in (("failed", failed()), ("blocked", blocked())):
        await bench.create(run_id)
        await bench.turn(run_id, exact=True, settle=end)
    store = bench.store
    retry = StepRetry(FAILURE, 0.0)
    return {
        "join": lambda: bench.join("third"),
        "renew": lambda: asyncio.to_thread(store.renew, ONE),
        "create_run": bench.create,
        "claim_run": lambda: store.claim_run("ready", TWO, parked={}),
        "claim_runs": lambda: store.claim_runs(TWO, ["onboarding"], 9, parked={}),
        "commit": lambda: bench.turn("own", results=[bench.inline("x")]),
        "request_cancel": lambda: store.request_cancel("own"),
        "unblock": lambda: store.unblock("onboarding", "code-2"),
        "redrive": lambda: store.redrive("failed"),
        "claim_step": lambda: store.claim_step("own", "claim", TWO),
        "claim_steps": lambda: store.claim_steps(TWO, {"workflow-onboarding-send": 1}),
        "finish_step": lambda: bench.finish(claims["finish"]),
        "retry_step": lambda: store.retry_step(claims["retry"], TWO, retry),
        "release_step": lambda: store.release_step(claims["release"], TWO),
        "mark_queued": lambda: store.mark_queued([]),
        "leave": lambda: store.leave(TWO),
        "reap": store.reap,
    }


async def _everything(bench: StateBench) -> object:
    runs = [run.run_id for run in (await bench.store.list_runs(RunFilter())).runs]
    return [await bench.picture(run_id) for run_id in runs], await bench.store.live_workers()


OPERATIONS = [
    "join",
    "renew",
    "create_run",
    "claim_run",
    "claim_runs",
    "commit",
    "request_cancel",
    "unblock",
    "redrive",
    "claim_step",
    "claim_steps",
    "finish_step",
    "retry_step",
    "release_step",
    "mark_queued",
    "leave",
    "reap",
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_strikes_before_or_after_all_of_a_commit(operation: str, moment: str) -> None:
    async def scenario() -> None:
        store, bench = await _bench()
        act = (await _one_of_each(bench))[operation]
        if operation == "reap":
            store.expire(ONE)
        before, commits = await _everything(bench), store.commits
        points: list[str] = []

        def fault(point: str) -> None:
            points.append(point)
            if point == f"{operation}:{moment}":
                raise CrashError(point)

        store.fault = fault
        with pytest.raises(CrashError):
            await act()
        store.fault = None
        if moment == "before":
            assert (await _everything(bench), store.commits) == (before, commits)
            await act()
        assert store.commits == commits + 1
        assert points[-1] == f"{operation}:{moment}"
        if operation not in {"renew", "mark_queued"}:
            assert await _everything(bench) != before

    asyncio.run(scenario())


def test_what_writes_nothing_is_no_commit() -> None:
    async def scenario() -> None:
        store, bench = await _bench()
        await bench.parked("a")
        commits = store.commits
        assert await store.claim_run(RUN, ONE, parked={}) is None
        assert await store.claim_runs(ONE, ["onboarding"], 5, parked={}) == []
        assert await store.claim_steps(ONE, {"elsewhere": 1}) == []
        assert (await store.reap(), await store.unblock("onboarding", "x"), await store.redrive(RUN)) == ((), 0, None)
        assert store.commits == commits

    asyncio.run(scenario())


def test_nothing_happens_before_the_loop_has_turned() -> None:
    async def scenario() -> None:
        store, bench = await _bench()
        creating = asyncio.create_task(store.create_run(bench.new_run()))
        assert store.commits == 2
        await asyncio.sleep(0)
        assert store.commits == 2
        await asyncio.sleep(0)
        assert (store.commits, creating.done()) == (3, False)
        await creating

    asyncio.run(scenario())


def test_a_worker_can_be_let_die_at_once() -> None:
    async def scenario() -> None:
        store, bench = await _bench()
        await bench.create()
        store.expire(ONE)
        store.expire("nobody")
        assert not store.renew(ONE)
        assert [worker.worker_id for worker in await store.live_workers()] == [TWO]
        assert await store.reap() == (ONE,)
        assert (await bench.claim()).epoch == 3

    asyncio.run(scenario())


def test_closing_keeps_what_is_stored() -> None:
    async def scenario() -> None:
        store, bench = await _bench()
        await bench.create()
        await store.close()
        await store.open()
        assert (await bench.run()).run_id == RUN

    asyncio.run(scenario())


def test_clients_of_several_threads_may_share_it() -> None:
    store = MemoryStateService()
    won: list[str] = []

    async def client(name: str) -> None:
        hinted = asyncio.Event()
        unsubscribe = store.subscribe(hinted.set)
        await store.join(WorkerInfo(name, 30.0, "host", 1))
        for n in range(100):
            await store.create_run(NewRun(f"r{n}", "w", VALUE, "code"))
            won.extend(claim.run_id for claim in await store.claim_runs(name, ["w"], 3, parked={}))
        await store.create_run(NewRun(f"of-{name}", "other", VALUE, "code"))
        async with asyncio.timeout(10):
            await hinted.wait()
        unsubscribe()

    threads = [threading.Thread(target=lambda name=name: asyncio.run(client(name))) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == len(set(won)) == 100


def test_hints_to_a_loop_that_has_ended_are_dropped() -> None:
    store = MemoryStateService()

    async def forgets_to_unsubscribe() -> None:
        store.subscribe(lambda: None)

    asyncio.run(forgets_to_unsubscribe())
    asyncio.run(_create(store, "r1"))
    assert store.commits == 1


async def _create(store: MemoryStateService, run_id: str) -> None:
    await store.create_run(NewRun(run_id, "w", VALUE, "code"))


def test_each_connection_to_memory_has_a_store_of_its_own() -> None:
    clock = SystemClock()
    assert state_from_url("memory://", None, clock) is not state_from_url("memory://", None, clock)
    assert queue_from_url("memory://", None, clock) is not queue_from_url("memory://", None, clock)


# --- scale


async def _run_one(store: MemoryStateService, run_id: str, *, by_name: bool) -> None:
    await store.create_run(NewRun(run_id, "w", VALUE, "code", ("tag",)), claim_for=ONE)
    step = NewStep("a", "x.y", "q", None, None, VALUE, "0" * 64, 0, claimed=False)
    await store.commit(Activation(run_id, 1, ONE, 0, asks=[step], park=True))
    claims = [await store.claim_step(run_id, "a", ONE)] if by_name else await store.claim_steps(ONE, {"q": 1})
    assert claims[0] is not None
    result = StepResult(StepForm.RPC, "a", 1, 1, VALUE, None, 0, None, None, 0.0, 0.0)
    await store.finish_step(claims[0], ONE, result)
    [claim] = await store.claim_runs(ONE, ["w"], 5, parked={run_id: ParkedRun(1, 0)})
    assert isinstance(claim, RunClaim)
    end = Settlement(RunStatus.COMPLETED, VALUE, None)
    await store.commit(Activation(run_id, claim.epoch, ONE, 1, exact=True, settle=end))
    await store.reap()
    await store.unqueued(1, 10)
    await store.next_due(["q"])
    await store.settled([run_id])
    await store.find_runs(run_id, 2)
    await store.list_runs(RunFilter(limit=2, statuses=(RunStatus.COMPLETED, RunStatus.RUNNING)))
    await store.list_runs(RunFilter(limit=2, statuses=(RunStatus.FAILED,)))
    await store.list_runs(RunFilter(limit=2, workflow="w", tag="tag"))


async def _leave_one_waiting(store: MemoryStateService, run_id: str) -> None:
    await store.create_run(NewRun(run_id, "w", VALUE, "code", ("tag",)), claim_for=ONE)
    step = NewStep("a", "x.y", "idle", None, None, VALUE, "0" * 64, 0, claimed=False)
    await store.commit(Activation(run_id, 1, ONE, 0, asks=[step], park=True))


class Effort:
    """Counts the instructions that Python executes inside a block: what a scan costs, whatever the machine does."""

    def __init__(self) -> None:
        self.instructions = 0

    def _trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self.instructions += event == "opcode"
        return self._trace

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)


def test_a_run_costs_no_more_after_ten_thousand_runs() -> None:
    async def effort_of_runs(store: MemoryStateService, prefix: str) -> int:
        efforts: list[int] = []
        for n in range(40):
            with Effort() as effort:
                await asyncio.create_task(_run_one(store, f"{prefix}-{n}", by_name=n % 2 == 0))
            efforts.append(effort.instructions)
        assert min(efforts) > 0
        return sorted(efforts)[len(efforts) // 2]

    async def scenario() -> tuple[int, int]:
        store = MemoryStateService()
        await store.join(WorkerInfo(ONE, 3600.0, "host", 1))
        first = await effort_of_runs(store, "first")
        await asyncio.gather(*(_leave_one_waiting(store, f"waiting-{n}") for n in range(10_000)))
        return first, await effort_of_runs(store, "last")

    first, last = asyncio.run(scenario())
    assert last < first * 1.5, f"a run took {first} instructions at first and {last} in the end"


def test_steps_that_are_claimed_by_name_leave_nothing_in_the_index_of_due_ones() -> None:
    async def scenario() -> int:
        store = MemoryStateService()
        await store.join(WorkerInfo(ONE, 3600.0, "host", 1))
        for n in range(500):
            await _leave_one_waiting(store, f"r{n}")
            await store.claim_step(f"r{n}", "a", ONE)
        return len(store._tables.due._heaps["idle"])

    assert asyncio.run(scenario()) < 100
