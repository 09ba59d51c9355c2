"""Workflows that carry values of many sizes, and the two ways to run them: everything inline, and by reference."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from pyflow_core import Payload, RpcCall, wire_rpc, wire_workflow
from pyflow_core.engine.replay import Replay
from pyflow_core.engine.twin import Twins
from pyflow_core.engine.values import RunValues, Values
from pyflow_core.project import Project

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from pyflow_core.client import Client
    from pyflow_core.engine.command import Invoke

KIB = 1024
CARRIED = 100
"""Steps of a run whose rows are weighed."""
SIZES: dict[str, Callable[[random.Random], int]] = {
    "configs of 6-50 KB": lambda chance: chance.randrange(6_000, 50_000),
    "median 2 KB": lambda chance: int(chance.lognormvariate(7.6, 0.5)),
    "median 20 KB": lambda chance: int(chance.lognormvariate(9.9, 0.5)),
    "pages of 200 KB": lambda chance: chance.randrange(180_000, 220_000),
}
"""The workloads: how large the values of their steps are, in bytes."""
WORDS = ("run", "step", "value", "small", "state", "large", "page", "text", "index", "order", "count", "store", "key")

touched_percent = 0
"""For how many in a hundred of its steps `gather-pages` asks for the value; the others it passes on as handles."""


class Weighed(BaseModel):
    workload: str
    steps: int = CARRIED
    seed: int = 1


class Record(BaseModel):
    """What steps are given and give back."""

    id: int
    text: str


class Pages(BaseModel):
    steps: int
    size: int


class HandOver(BaseModel):
    size: int
    inline: bool


def words(chance: random.Random, size: int) -> str:
    """Text of so many bytes."""
    text = " ".join(chance.choices(WORDS, k=size // 4 + 2))
    return text[:size]


@wire_rpc("bench.revise")
async def revise(data: Record) -> Record:
    return Record(id=data.id, text=data.text[::-1])


@wire_workflow("carry")
async def carry(data: Weighed, *, workflow: Any) -> int:
    """Each step is given a value of the workload, and gives back another of that size."""
    chance = random.Random(f"{data.workload} {data.seed}")
    total = 0
    for number in range(data.steps):
        record = Record(id=number, text=words(chance, SIZES[data.workload](chance)))
        total += len((await workflow.do(f"revise-{number}", "bench.revise", record)).text)
    return total


@wire_workflow("gather-pages")
async def gather_pages(data: Pages, *, workflow: Any) -> int:
    """So many results of one size; what is not touched is passed on."""
    touched = 0
    for number in range(data.steps):

        def make(number: int = number) -> str:
            return f"{number:08}".ljust(data.size, "x")

        is_touched = number % 100 < touched_percent
        page = await workflow.do(f"page-{number}", make, returns=str if is_touched else Payload[str])
        touched += is_touched and len(page)
    return touched


@wire_rpc("bench.load")
async def load(data: Record) -> str:
    return f"{data.id:08}".ljust(int(data.text), "x")


@wire_rpc("bench.measure")
async def measure(data: str) -> int:
    return len(data)


@wire_workflow("read-values")
async def read_values(data: Pages, *, workflow: Any) -> int:
    """One step loads a page, another reads it, and the workflow holds it in between."""
    total = 0
    for number in range(data.steps):
        page = await workflow.do(f"load-{number}", "bench.load", Record(id=number, text=str(data.size)))
        total += await workflow.do(f"measure-{number}", "bench.measure", page)
    return total


@wire_workflow("read-handles")
async def read_handles(data: Pages, *, workflow: Any) -> int:
    """The same with handles."""
    total = 0
    for number in range(data.steps):
        call = RpcCall[str]("bench.load", Record(id=number, text=str(data.size)))
        total += await workflow.do(
            f"measure-{number}", "bench.measure", await workflow.do(f"load-{number}", call.lazy())
        )
    return total


@wire_workflow("hand-over")
async def hand_over(data: HandOver, *, workflow: Any) -> int:
    """One step makes a value, another reads it: inline, or with one put and one get."""
    call = RpcCall[str]("bench.load", Record(id=1, text=str(data.size)))
    if data.inline:
        value = await workflow.do("load", call, inline_max=64 * KIB)
        return int(await workflow.do("measure", "bench.measure", value))
    return int(await workflow.do("measure", "bench.measure", await workflow.do("load", call.lazy())))


project = Project(name="bench-payloads", package="bench_payloads_gen", root=Path.cwd())

Way = Literal["inline", "references"]


@asynccontextmanager
async def connected(folder: Path, way: Way, *, worker: bool = True, **options: Any) -> AsyncGenerator[Client]:
    """A client on a store of this folder. Inline means that there is no payload store, however large a value is."""
    urls = {"state": f"sqlite:///{folder}/state.db?synchronous=normal", "payloads": f"file:///{folder}/payloads"}
    async with project.connect(**{**urls, **options}) as client:
        if way == "inline":
            client.runtime.values = Values()
        if worker:
            await client.work()
        yield client


async def run(client: Client, workflow: str, data: Any, run_id: str | None = None) -> Any:
    return await (await client.start(workflow, data, run_id=run_id)).result()


async def replay(client: Client, run_id: str) -> Any:
    """Replay a run from cold, as a worker does that takes it over; what the workflow gives."""
    history = await client.state.load_run(run_id)
    assert history is not None
    runtime, recorded = client.runtime, history.run
    definition = runtime.registry.workflow(recorded.workflow)
    data = await runtime.data_of(definition.signature, recorded.input, recorded.tenant)
    execution = runtime.execution(definition, run_id, data, actor=None, started_at=recorded.created_at)

    async def no_invokes(invokes: list[Invoke]) -> None:
        raise AssertionError(invokes)

    await Replay(execution, history, no_invokes, RunValues(runtime.values, recorded.tenant, Twins())).run()
    assert execution.finished
    result = execution.root.result()
    execution.retire()
    return result


def row_bytes(database: Path) -> int:
    """The bytes of all values in all rows of a store, whatever pages and indexes add to them."""
    total = 0
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            names = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            sums = " + ".join(f'coalesce(sum(length(CAST("{name}" AS BLOB))), 0)' for name in names)
            total += connection.execute(f'SELECT {sums} FROM "{table}"').fetchone()[0]
    return total


def weigh(folder: Path, way: Way, workload: str, steps: int = CARRIED) -> int:
    """The row bytes of one run of a workload."""
    folder.mkdir(parents=True)

    async def play() -> None:
        async with connected(folder, way) as client:
            assert await run(client, "carry", Weighed(workload=workload, steps=steps)) > 0

    asyncio.run(play())
    return row_bytes(folder / "state.db")
