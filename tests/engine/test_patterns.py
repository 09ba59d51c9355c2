"""Whatever asyncio offers works in a workflow, live as on replay, in every mode."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import Gates, Mode, async_test, run_and_replay

from pyflow_core import StepFailedError, wire_rpc, wire_workflow

if TYPE_CHECKING:
    from pyflow_core.wiring import Registry


class Services:
    def __init__(self, gates: Gates) -> None:
        self.gates = gates


async def echo(name: str, *, gates: Gates) -> str:
    await gates.wait(name)
    if name.startswith("bad"):
        raise ValueError(name)
    return name.upper()


async def plain(name: str) -> str:
    return name.upper()


PATTERNS: list[Any] = []
EXPECTED: dict[str, Any] = {}
ORDERS: dict[str, tuple[str, ...]] = {}


def pattern(expected: Any, *order: str) -> Any:
    """A workflow, what it gives, and the order in which its steps end."""

    def register(func: Any) -> Any:
        PATTERNS.append(func)
        EXPECTED[func.__name__] = expected
        ORDERS[func.__name__] = order
        return func

    return register


async def call(workflow: Any, name: str) -> str:
    return await workflow.do(name, "echo", name)


@pattern(["A", "B", "C"], "c", "a", "b")
async def gathers_in_the_order_of_its_arguments(*, workflow: Any) -> list[str]:
    return await asyncio.gather(*(call(workflow, name) for name in "abc"))


@pattern(["c", "a", "b"], "c", "a", "b")
async def appends_to_a_list_from_branches(*, workflow: Any) -> list[str]:
    log: list[str] = []

    async def branch(name: str) -> None:
        await call(workflow, name)
        log.append(name)

    await asyncio.gather(*(branch(name) for name in "abc"))
    return log


@pattern(["A", "B", "C"], "b", "c", "a")
async def gives_calls_to_a_task_group(*, workflow: Any) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(workflow.do(name, "echo", name)) for name in "abc"]
    return [task.result() for task in tasks]


@pattern((["B"], 2, "AFTER-B"), "b", "after-b", "a", "c")
async def waits_for_the_first(*, workflow: Any) -> tuple[list[str], int, str]:
    tasks = [asyncio.create_task(call(workflow, name)) for name in "abc"]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    first = [task.result() for task in done]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return first, len(pending), await call(workflow, f"after-{first[0].lower()}")


@pattern(["C", "B", "A"], "c", "b", "a")
async def takes_calls_as_they_complete(*, workflow: Any) -> list[str]:
    calls = [workflow.do(name, "echo", name) for name in "abc"]
    return [await following for following in asyncio.as_completed(calls)]


@pattern(["B", "C", "A"], "b", "c", "a")
async def takes_tasks_as_they_complete(*, workflow: Any) -> list[str]:
    tasks = [asyncio.create_task(call(workflow, name)) for name in "abc"]
    return [await following for following in asyncio.as_completed(tasks)]


@pattern(["A", "B", "C", "D"])
async def awaits_steps_one_after_the_other(*, workflow: Any) -> list[str]:
    return [await workflow.do(name, "plain", name) for name in "abcd"]


@pattern([1, 2, 3])
async def awaits_inline_steps(*, workflow: Any) -> list[int]:
    async def two() -> int:
        await asyncio.sleep(0)
        return 2

    one = await workflow.do("one", lambda: 1)
    return [one, await workflow.do("two", two), await workflow.do("three", lambda: one + 2)]


@pattern({"a": "A", "b": 2, "c": "C"}, "c", "a")
async def mixes_both_forms_in_a_gather(*, workflow: Any) -> dict[str, Any]:
    a, b, c = await asyncio.gather(call(workflow, "a"), workflow.do("b", lambda: 2), call(workflow, "c"))
    return {"a": a, "b": b, "c": c}


@pattern(["s1", "s0", "s3", "s2"], "s1", "s0", "s3", "s2")
async def limits_itself_by_a_semaphore(*, workflow: Any) -> list[str]:
    semaphore = asyncio.Semaphore(2)
    log: list[str] = []

    async def branch(name: str) -> None:
        async with semaphore:
            await call(workflow, name)
            log.append(name)

    await asyncio.gather(*(branch(f"s{i}") for i in range(4)))
    return log


@pattern(["a1", "a2", "b1", "b2"])
async def holds_a_lock_over_steps(*, workflow: Any) -> list[str]:
    lock = asyncio.Lock()
    log: list[str] = []

    async def branch(name: str) -> None:
        async with lock:
            for i in (1, 2):
                await workflow.do(f"{name}{i}", "plain", name)
                log.append(f"{name}{i}")

    await asyncio.gather(branch("a"), branch("b"))
    return log


@pattern(["P0", "P1", "end"], "p0", "p1")
async def passes_results_through_a_queue_and_an_event(*, workflow: Any) -> list[str]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    ended = asyncio.Event()

    async def produce() -> None:
        for i in range(2):
            queue.put_nowait(await call(workflow, f"p{i}"))
        ended.set()

    task = asyncio.create_task(produce())
    log = [await queue.get(), await queue.get()]
    await ended.wait()
    await task
    return [*log, "end"]


@pattern("A", "a")
async def shields_a_step(*, workflow: Any) -> str:
    task = asyncio.ensure_future(workflow.do("a", "echo", "a"))
    shield = asyncio.shield(task)
    shield.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await shield
    return await task


@pattern(["bad", "comp"], "bad", "comp", "other")
async def unwinds_exception_groups(*, workflow: Any) -> list[str]:
    log: list[str] = []

    async def other() -> None:
        try:
            await call(workflow, "other")
        except asyncio.CancelledError:
            log.append("comp" if await workflow.do("comp", "plain", "comp") else "")
            raise

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(call(workflow, "bad"))
            group.create_task(other())
    except* StepFailedError as failed:
        log.insert(0, failed.exceptions[0].step_name)  # type: ignore[attr-defined]
    return log


@pattern("bad, B, CLEAN", "bad", "b")
async def steps_in_except_and_finally(*, workflow: Any) -> str:
    log: list[str] = []
    try:
        await call(workflow, "bad")
    except StepFailedError as failed:
        log += [failed.error.message, await call(workflow, "b")]
    finally:
        log.append(await workflow.do("clean", "plain", "clean"))
    return ", ".join(log)


@pattern(["G0", "G1", "closed", "G2"])
async def closes_an_asynchronous_generator(*, workflow: Any) -> list[str]:
    log: list[str] = []

    async def generate() -> Any:
        try:
            for i in range(9):
                yield await workflow.do(f"g{i}", "plain", f"g{i}")
        finally:
            log.append("closed")
            await workflow.do("close", "plain", "close")

    async with contextlib.aclosing(generate()) as values:
        async for value in values:
            log.append(value)
            if value == "G1":
                break
    return [*log, await workflow.do("x", "plain", "g2")]


@pattern(["G0", "A"])
async def leaves_an_asynchronous_generator_open(*, workflow: Any) -> list[str]:
    async def generate() -> Any:
        try:
            for i in range(9):
                yield await workflow.do(f"g{i}", "plain", f"g{i}")
        finally:
            await workflow.do("never", "plain", "never")

    log = []
    async for value in generate():
        log.append(value)
        break
    return [*log, await workflow.do("a", "plain", "a")]


@pattern(["A", "sum 3"], "a")
async def calls_made_early_run_when_awaited(*, workflow: Any) -> list[str]:
    late = workflow.do("late", lambda: 3)
    first = await workflow.do("a", "echo", "a")
    return [first, f"sum {await late}"]


@pattern([None, "A"])
async def lets_other_branches_run_by_sleeping_for_nothing(*, workflow: Any) -> list[Any]:
    async def idle() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    return await asyncio.gather(idle(), workflow.do("a", "plain", "a"))


@pattern(6)
async def recurses_through_helpers(*, workflow: Any) -> int:
    async def fact(n: int) -> int:
        return 1 if n == 0 else await workflow.do(f"times-{n}", lambda: n) * await fact(n - 1)

    return await fact(3)


@pattern(["A", 1, "timeout none"])
async def waits_without_a_timeout(*, workflow: Any) -> list[Any]:
    a = await asyncio.wait_for(workflow.do("a", "plain", "a"), None)
    async with asyncio.timeout(None):
        b = await workflow.do("b", lambda: 1)
    return [a, b, "timeout none"]


@pattern([0, 1, 2, 3, 4], "w4", "w2", "w0", "w1", "w3")
async def meets_at_a_barrier(*, workflow: Any) -> list[int]:
    barrier = asyncio.Barrier(5)

    async def branch(i: int) -> int:
        await call(workflow, f"w{i}")
        await barrier.wait()
        return i

    return await asyncio.gather(*(branch(i) for i in range(5)))


@pytest.mark.parametrize("func", PATTERNS, ids=lambda func: func.__name__)
@async_test
async def test_a_workflow(mode: Mode, registry: Registry, func: Any) -> None:
    wire_rpc("echo", echo)
    wire_rpc("plain", plain)
    name = func.__name__.replace("_", "-")
    wire_workflow(name, func)
    gates = Gates(*ORDERS[func.__name__])
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        output = await run_and_replay(e, name)
    expected = EXPECTED[func.__name__]
    assert output == expected
    assert type(output) is type(expected)


@pytest.mark.parametrize("func", PATTERNS, ids=lambda func: func.__name__)
@pytest.mark.parametrize("turns", range(0, 40, 3))
@async_test
async def test_a_crash_at_any_moment_makes_no_difference(registry: Registry, func: Any, turns: int) -> None:
    wire_rpc("echo", echo)
    wire_rpc("plain", plain)
    name = func.__name__.replace("_", "-")
    wire_workflow(name, func)
    gates = Gates(*ORDERS[func.__name__])
    mode = Mode("crashing")
    async with mode.engine(registry=registry, services=Services(gates)) as e:
        handle = await e.start(name)
        for _ in range(turns):
            await asyncio.sleep(0)
        await e.crash()
        # What ended before the crash does not wait for its turn again.
        gates.open_all()
        await e.begin()
        await e.result(handle)
