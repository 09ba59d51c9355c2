"""A fault at every call of the store: the run ends as it would have, and no completed step runs again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from engine_bench import CrashableSqlite, Mode, async_test, replay
from pyflow_services.memory import MemoryStateService

from pyflow_core import Step, StepFailedError, wire_rpc, wire_workflow
from pyflow_core.errors import CommitUnknownError, InvalidOptionError, StoreError, StoreUnavailableError
from pyflow_core.ports.state import StepStatus
from pyflow_core.testing import Engine, engine
from pyflow_core.testing.faults import Faults, crash, kill_process, raise_commit_unknown

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.wiring import Registry

EXPECTED = ["A", "b", "C", "D", "e", "flaky 2", "refused", "last"]


class Ledger:
    """Every execution of a step, and what was completed when it began."""

    def __init__(self) -> None:
        self.executions: list[str] = []
        self.repeated: list[str] = []
        self.state: Any = None
        self.run_id = ""

    async def enter(self, name: str) -> None:
        step = await self.state.get_step_state(self.run_id, name)
        if step is not None and step.status in (StepStatus.COMPLETED, StepStatus.FAILED):
            self.repeated.append(name)
        self.executions.append(name)


class Services:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger


@pytest.fixture(autouse=True)
def _wiring(registry: Registry) -> None:
    del registry

    @wire_rpc("upper", retries=1, retry_delay="1s")
    async def upper(name: str, *, ledger: Ledger, step: Step) -> str:
        await ledger.enter(step.step_name)
        if name == "flaky":
            if step.attempt == 1:
                raise ValueError("flaky")
            return f"flaky {step.attempt}"
        if name == "refused":
            raise ValueError("refused")
        return name.upper()

    @wire_workflow("flow")
    async def flow(*, workflow: Any, ledger: Ledger) -> list[str]:
        async def inline(name: str) -> str:
            await ledger.enter(name)
            return name

        log = [await workflow.do("a", "upper", "a")]
        log.append(await workflow.do("b", lambda: inline("b")))
        log += await asyncio.gather(
            workflow.do("c", "upper", "c"), workflow.do("d", "upper", "d"), workflow.do("e", lambda: inline("e"))
        )
        dropped = asyncio.create_task(workflow.do("dropped", "upper", "flaky"))
        log.append(await workflow.do("flaky", "upper", "flaky"))
        dropped.cancel()
        try:
            await workflow.do("refused", "upper", "refused")
        except StepFailedError as error:
            log.append(error.error.message)
        return [*log, await workflow.do("last", lambda: inline("last"))]


async def play(e: Engine, ledger: Ledger) -> None:
    """Run the workflow to its end, restarting the worker if nothing else helps, as an operator would."""
    ledger.state = e.state
    ledger.run_id = "run"
    while True:
        try:
            await e.start("flow", run_id="run")
            break
        except StoreError:
            continue  # with a run_id, starting twice is starting once
    assert await e.result("run") == EXPECTED
    assert ledger.repeated == []
    assert (await replay(e, "run")).outcome == EXPECTED


MODES = [Mode("fused"), Mode("plain", fused=False), Mode("plain-cache-0", fused=False, cache=0)]


async def points_of(registry: Registry, mode: Mode) -> list[tuple[str, int]]:
    faults = Faults()
    ledger = Ledger()
    async with mode.engine(registry=registry, services=Services(ledger)) as e:
        e._watched = faults.around(e._watched)
        await e.restart()
        started = len(faults.reached)
        await play(e, ledger)
    counts: dict[str, int] = {}
    points = []
    for index, point in enumerate(faults.reached):
        counts[point] = counts.get(point, 0) + 1
        # A caller that looks at a run is told of the trouble.
        if index >= started and not point.startswith("get_run:"):
            points.append((point, counts[point]))
    return points


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("fault", ["commit unknown", "crash"])
@async_test
async def test_a_fault_at_every_store_call(
    registry: Registry, mode: Mode, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        points = await points_of(registry, mode)
        assert len(points) > 60
        for point, occurrence in points:
            faults = Faults()
            ledger = Ledger()
            async with mode.engine(registry=registry, services=Services(ledger)) as e:
                e._watched = faults.around(e._watched)
                await e.restart()
                try:
                    if fault == "crash":
                        died = asyncio.Event()

                        async def die(e: Engine = e, died: asyncio.Event = died) -> None:
                            await e.crash()
                            died.set()

                        faults.at(point, occurrence, crash(die))
                        playing = asyncio.ensure_future(play(e, ledger))
                        dying = asyncio.ensure_future(died.wait())
                        await asyncio.wait([playing, dying], return_when=asyncio.FIRST_COMPLETED)
                        if died.is_set():
                            playing.cancel()
                            await asyncio.wait([playing])
                            await e.begin()
                            await play(e, ledger)
                        else:
                            await playing
                        dying.cancel()
                    else:
                        faults.at(point, occurrence, raise_commit_unknown)
                        await play(e, ledger)
                except BaseException as error:
                    error.add_note(f"with a {fault} at {point}, number {occurrence}")
                    raise


@async_test
async def test_a_fault_at_some_calls_of_sqlite(registry: Registry, tmp_path: Path) -> None:
    for index, point in enumerate(("commit:before", "commit:after", "claim_steps:after", "finish_step:after")):
        for occurrence in (1, 3):
            faults = Faults()
            ledger = Ledger()
            path = tmp_path / f"{index}-{occurrence}.db"
            fused = occurrence == 1

            def make(clock: Any, path: Path = path) -> Any:
                return CrashableSqlite(path, synchronous="normal", clock=clock)

            async with engine(registry=registry, services=Services(ledger), state=make, fused=fused) as e:
                e._watched = faults.around(e._watched)
                await e.restart()
                faults.at(point, occurrence, raise_commit_unknown)
                await play(e, ledger)


@async_test
async def test_faults_strike_where_they_are_told() -> None:
    faults = Faults()
    store = faults.around(MemoryStateService())
    faults.at("get_run:before", 2, raise_commit_unknown)
    faults.at("leave:after", 1, raise_commit_unknown)
    await store.get_run("x")
    with pytest.raises(StoreUnavailableError):
        await store.get_run("x")
    with pytest.raises(CommitUnknownError, match="leave:after"):
        await store.leave("nobody")
    assert faults.reached == ["get_run:before", "get_run:after", "get_run:before", "leave:before", "leave:after"]


def test_the_environment_names_a_fault_only_where_a_harness_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Faults.from_environment()._planned == {}
    monkeypatch.setenv("PYFLOW_FAULT", "commit:after:7")
    assert Faults.from_environment()._planned == {("commit:after", 7): kill_process}
    assert Faults()._planned == {}
    monkeypatch.setenv("PYFLOW_FAULT", "commit:afterwards")
    with pytest.raises(InvalidOptionError, match="commit:after:7"):
        Faults.from_environment()
