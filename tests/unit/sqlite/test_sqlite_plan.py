"""No statement looks through a whole table: what it costs does not grow with what is stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlite_bench import DONE, WORKER, ask, asynchronous, new_run, raw, result, staffed, turn

from pyflow_core.errors import ErrorInfo
from pyflow_core.ports.state import InlineRetry, ParkedRun, RunFilter, StepForm, StepRetry

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from pyflow_services.sqlite import SqliteStateService

# Reading a list newest first walks the table from its end until the page is full. A migration and a reaper look through
# the few rows of workers, listeners and the schema.
MAY_BE_WALKED = {"workers", "listeners", "sqlite_master", "sqlite_schema", "j", "q", "w", "v", "json_each"}


async def use_everything(service: SqliteStateService) -> None:
    failure = ErrorInfo("E", "m")
    runs = [f"run-{number}" for number in range(70)]
    await asyncio.gather(*(service.create_run(new_run(run_id), claim_for=WORKER) for run_id in runs))
    await service.create_run(new_run("ready"))
    await asyncio.gather(*(service.commit(turn(run_id, "a", exact=True)) for run_id in runs))
    await service.commit(turn(runs[0], delivered=1, asks=[ask("rpc"), ask("mine", claimed=True), ask("other")]))
    retry = InlineRetry("i", 1, failure, 0.0, 0, None, None)
    await service.commit(turn(runs[0], delivered=1, retries=[retry], cancels=["other"]))
    finished = turn(runs[0], delivered=1)
    finished.results = [result("mine", form=StepForm.RPC)]
    await service.commit(finished)
    await service.commit(turn(runs[0], delivered=2, park=True))
    claim = await service.claim_step(runs[0], "rpc", WORKER)
    assert claim is not None
    await service.revoked(WORKER, [claim])
    await service.retry_step(claim, WORKER, StepRetry(failure, 0.0))
    await service.next_due([claim.queue, "none"])
    (claim,) = await service.claim_steps(WORKER, {claim.queue: 5, "none": 5})
    await service.finish_step(claim, WORKER, result("rpc", form=StepForm.RPC))
    await service.claim_runs(WORKER, ["mail", "none"], 5, parked={runs[0]: ParkedRun(1, 2)})
    await service.claim_run("ready", WORKER, parked={})
    await service.numbers(WORKER)
    await service.load_run(runs[0])
    await service.load_after(runs[0], 1)
    await service.request_cancel(runs[1])
    await service.commit(turn(runs[2], delivered=1, exact=True, settle=DONE))
    await service.unblock("mail", "code")
    await service.plan_redrive(runs[3])
    await service.settled(runs)
    await service.find_runs("run-1", 3)
    await service.list_steps(runs[0])
    await service.get_step_state(runs[0], "a")
    await service.list_events(runs[0])


@asynchronous
async def test_every_statement_but_lists_for_people_finds_its_rows_by_an_index(tmp_path: Path) -> None:
    seen: set[str] = set()
    async with staffed(tmp_path / "flow.db") as service:
        await raw(service, lambda database: database.set_trace_callback(seen.add))
        assert service._reader is not None
        await service._reader.run(lambda database: database.set_trace_callback(seen.add))
        await use_everything(service)
        await raw(service, lambda database: database.set_trace_callback(None))
        await service._reader.run(lambda database: database.set_trace_callback(None))
        walks = await raw(service, lambda database: [walk for sql in seen for walk in walked(database, sql)])
    assert len(seen) > 60
    assert walks == []


def walked(database: sqlite3.Connection, sql: str) -> list[tuple[str, str]]:
    if sql.lstrip().split(" ", 1)[0] not in {"SELECT", "UPDATE", "INSERT", "DELETE"}:
        return []
    plan: list[Any] = database.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
    details = [row[3] for row in plan]
    scans = [detail for detail in details if detail.startswith("SCAN ") and " USING " not in detail]
    return [(detail, sql) for detail in scans if detail.split()[1] not in MAY_BE_WALKED and "CONSTANT" not in detail]


@pytest.mark.parametrize("query", [RunFilter(limit=3), RunFilter(workflow="mail", limit=3)])
@asynchronous
async def test_a_list_of_runs_needs_no_sorting(tmp_path: Path, query: RunFilter) -> None:
    seen: list[str] = []
    async with staffed(tmp_path / "flow.db") as service:
        assert service._reader is not None
        await service._reader.run(lambda database: database.set_trace_callback(seen.append))
        await service.list_runs(query)
        await service._reader.run(lambda database: database.set_trace_callback(None))
        plan = await raw(service, lambda database: database.execute(f"EXPLAIN QUERY PLAN {seen[0]}").fetchall())
    assert not [row for row in plan if "TEMP B-TREE FOR ORDER BY" in row[3]]


@asynchronous
async def test_a_walk_would_be_seen(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        assert await raw(service, lambda database: walked(database, "SELECT * FROM steps WHERE worker = 'a'"))
        assert not await raw(service, lambda database: walked(database, "SELECT * FROM steps WHERE run = 1"))
