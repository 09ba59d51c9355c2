"""Workers are killed without warning, in the middle of many runs; the examples' ledgers say what was executed."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pyflow_core.clock import SystemClock
from pyflow_core.ports.state import RunFilter, RunStatus, StepStatus
from pyflow_core.stores import make_state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from pyflow_core.ports.state import WorkflowStateService

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
ORDERS = ROOT / "examples" / "order_fulfillment"
PYFLOW = [sys.executable, "-m", "pyflow_cli.main"]
RUNS = 6
KILLS = 3
STEPS = {"reserve-mug", "reserve-lamp", "reserve-chair", "chargeCard", "bookCarrier", "sendInvoice"}
RUN_IDS = [f"r{number}" for number in range(RUNS)]
EVERY_STEP = {(run_id, step) for run_id in RUN_IDS for step in STEPS}
GIVE_UP_SECONDS = 30
START = """
import asyncio, sys
from orders_app.models import Line, OrderInput
from orders_app.pyflow_gen import connect, workflows

async def main():
    async with connect():
        for run_id in sys.argv[1:]:
            lines = [Line(sku=sku, quantity=1) for sku in ("mug", "lamp", "chair")]
            order = OrderInput(email=f"{run_id}@example.com", card="4242", lines=lines)
            await workflows.order_fulfillment.start(order, run_id=run_id)

asyncio.run(main())
"""


class Shop:
    """The example on data and a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.jsonl"
        self.environment = {
            **os.environ,
            "PYFLOW_STATE": f"sqlite:///{(folder / 'state.db').as_posix()}",
            "ORDERS_DATA": str(folder / "data"),
            "ORDERS_LEDGER": str(self.ledger),
        }

    def start_runs(self) -> None:
        subprocess.run(
            [sys.executable, "-c", START, *RUN_IDS], cwd=ORDERS, env=self.environment, check=True, timeout=60
        )

    @contextmanager
    def worker(self) -> Generator[subprocess.Popen[bytes]]:
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen([*PYFLOW, "worker"], cwd=ORDERS, env=self.environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def read(self, question: Callable[[WorkflowStateService], Awaitable[T]]) -> T:
        """The answer of the store."""

        async def ask() -> T:
            state = make_state(self.environment["PYFLOW_STATE"], None, SystemClock())
            await state.open()
            try:
                return await question(state)
            finally:
                await state.close()

        return asyncio.run(ask())

    def statuses(self) -> dict[str, RunStatus]:
        return {run.run_id: run.status for run in self.read(lambda state: state.list_runs(RunFilter())).runs}

    def query(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "data" / "shop.db")) as connection:
            return connection.execute(sql).fetchall()

    def completed(self) -> set[tuple[str, str]]:
        """Runs and steps that are completed and leave a line in the ledger."""
        steps = [step for run_id in RUN_IDS for step in self.read(lambda state, i=run_id: state.list_steps(i))]  # type: ignore[misc]
        done = {(step.run_id, step.step_name) for step in steps if step.status is StepStatus.COMPLETED}
        return done & EVERY_STEP

    def executed(self) -> Counter[tuple[str, str]]:
        """How often each step of each run was executed."""
        if not self.ledger.exists():
            return Counter()
        keys = [json.loads(line)["key"].split("/") for line in self.ledger.read_text().splitlines()]
        return Counter((run_id, step) for run_id, _, step in keys)


def until(condition: Callable[[], bool], shop: Shop, worker: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        log = (shop.folder / "worker.log").read_text()[-4000:]
        assert worker.poll() is None, f"the worker has ended: {log}"
        assert time.monotonic() < give_up, f"{shop.statuses()}\n{shop.completed()}\n{log}"
        time.sleep(0.01)


def kill_a_worker(shop: Shop, *, after: int) -> None:
    """Let a worker execute so many steps, and kill it without warning."""
    before = sum(shop.executed().values())
    with shop.worker() as worker:
        until(lambda: sum(shop.executed().values()) >= before + after, shop, worker)


@dataclass
class Aftermath:
    """What is there when all runs have ended. `completed` holds how often each step had been executed when a worker
    was killed and the step was found completed.
    """

    shop: Shop
    completed: dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.start_runs()
    completed: dict[tuple[str, str], int] = {}
    for _ in range(KILLS):
        kill_a_worker(shop, after=len(EVERY_STEP) // (KILLS + 1))
        executed = shop.executed()
        completed |= {key: executed[key] for key in shop.completed() if key not in completed}
    with shop.worker() as worker:
        until(lambda: set(shop.statuses().values()) == {RunStatus.COMPLETED}, shop, worker)
    return Aftermath(shop, completed)


def test_every_run_ends(aftermath: Aftermath) -> None:
    assert aftermath.shop.completed() == set(aftermath.shop.executed()) == EVERY_STEP


def test_no_completed_step_is_executed_again(aftermath: Aftermath) -> None:
    assert aftermath.completed
    executed = aftermath.shop.executed()
    assert {key: executed[key] for key in aftermath.completed} == aftermath.completed


def test_nobody_is_charged_twice(aftermath: Aftermath) -> None:
    charges = aftermath.shop.query("SELECT order_id, count(*), sum(amount) FROM charges GROUP BY order_id")
    assert len(charges) == RUNS
    assert {(count, amount) for _, count, amount in charges} == {(1, (1200 + 4900 + 11900) * 120 // 100)}


def test_no_goods_are_lost(aftermath: Aftermath) -> None:
    stock = dict(aftermath.shop.query("SELECT sku, stock FROM products"))
    assert stock == {"lamp": 20 - RUNS, "desk": 5, "chair": 12 - RUNS, "mug": 99 - RUNS}
