"""Group commit: who shares a transaction, who is refused alone, and what is answered when a transaction fails."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from pyflow_services.sqlite import connection as connections
from pyflow_services.sqlite import schema
from sqlite_bench import (
    DONE,
    WORKER,
    ask,
    asynchronous,
    disk_error,
    fail_on_demand,
    new_run,
    opened,
    owned,
    raw,
    result,
    staffed,
    turn,
)

from pyflow_core.errors import (
    CommitUnknownError,
    OvertakenError,
    PayloadContractError,
    StaleLeaseError,
    StoreFullError,
)
from pyflow_core.ports.state import Committed, Envelope, StepForm

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_services.sqlite import SqliteStateService

    from pyflow_core.ports.state import Activation

RUNS = [f"run-{number:03}" for number in range(100)]


async def commit_all(service: SqliteStateService, turns: list[Activation]) -> list[Committed | BaseException]:
    return await asyncio.gather(*(service.commit(one) for one in turns), return_exceptions=True)


@asynchronous
async def test_operations_of_one_turn_of_the_loop_share_a_commit(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        before = service.commits
        await asyncio.gather(*(service.create_run(new_run(run_id), claim_for=WORKER) for run_id in RUNS))
        assert service.commits == before + 1
        answers = await commit_all(service, [turn(run_id, "a", exact=True) for run_id in RUNS])
        assert service.commits == before + 2
    assert answers == [Committed(1, parked=False)] * 100


@asynchronous
async def test_what_is_queued_while_a_batch_commits_goes_with_the_next(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, *RUNS[:10])
        reached, go_on = threading.Event(), threading.Event()

        def hold(point: str) -> None:
            if point == "commit:before" and not reached.is_set():
                reached.set()
                assert go_on.wait(60)

        service.fault = hold
        before = service.commits
        first = asyncio.ensure_future(service.commit(turn(RUNS[0], "a")))
        await asyncio.to_thread(reached.wait, 60)
        rest = [asyncio.ensure_future(service.commit(turn(run_id, "a"))) for run_id in RUNS[1:5]]
        await asyncio.sleep(0)
        rest += [asyncio.ensure_future(service.commit(turn(run_id, "a"))) for run_id in RUNS[5:10]]
        await asyncio.sleep(0)
        assert not first.done()
        go_on.set()
        await asyncio.gather(first, *rest)
        assert service.commits == before + 2


@asynchronous
async def test_looking_for_work_in_vain_commits_nothing(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        before = service.commits
        assert await service.claim_runs(WORKER, ["mail"], 5, parked={}) == []
        assert await service.claim_steps(WORKER, {"a": 1, "b": 2}) == []
        assert await service.reap() == ()
        assert service.renew(WORKER)
        assert service.commits == before


@asynchronous
async def test_one_stale_turn_among_many_is_refused_alone(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, *RUNS)
        before = service.commits
        turns = [turn(run_id, "a", epoch=7 if run_id == RUNS[50] else 1) for run_id in RUNS]
        turns[51] = turn(RUNS[51], "a", delivered=3, exact=True)
        answers = await commit_all(service, turns)
        assert service.commits == before + 1
        refused = await service.load_run(RUNS[50])
    assert isinstance(answers.pop(50), StaleLeaseError)
    assert isinstance(answers.pop(50), OvertakenError)
    assert answers == [Committed(1, parked=False)] * 98
    assert refused is not None
    assert (refused.run.seq, refused.steps) == (0, ())


@asynchronous
async def test_a_turn_that_fails_after_it_has_written_takes_no_other_with_it(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, *RUNS[:5])
        turns = [turn(run_id, "a") for run_id in RUNS[:5]]
        stale = turn(RUNS[2])
        stale.results = [result("a"), result("gone", form=StepForm.RPC)]
        turns[2] = stale
        answers = await commit_all(service, turns)
        histories = [await service.load_run(run_id) for run_id in RUNS[:5]]
        events = await service.list_events(RUNS[2])
    assert isinstance(answers[2], StaleLeaseError)
    assert [isinstance(answer, Committed) for answer in answers] == [True, True, False, True, True]
    assert [len(history.steps) for history in histories if history] == [1, 1, 0, 1, 1]
    assert [history.run.seq for history in histories if history] == [1, 1, 0, 1, 1]
    assert [event.type for event in events] == ["run.created", "run.claimed"]


@asynchronous
async def test_a_row_that_breaks_the_envelope_is_refused_alone(tmp_path: Path) -> None:
    both = Envelope(inline="1", reference="payloads/1")
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b", "c")
        broken = turn("b", asks=[ask("s", value=both)])
        answers = await commit_all(service, [turn("a", asks=[ask("s")]), broken, turn("c", asks=[ask("s")])])
        assert await service.list_steps("b") == []
        surrogate = turn("a")
        surrogate.results = [result("t", output=Envelope("\ud800"))]
        answers += await commit_all(service, [surrogate, turn("c", "t")])
    kinds = [type(answer) for answer in answers]
    assert kinds == [Committed, PayloadContractError, Committed, PayloadContractError, Committed]


@asynchronous
async def test_two_turns_of_one_run_in_a_batch_are_written_one_after_the_other(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        before = service.commits
        turns = [turn("a", "one"), turn("b", "one"), turn("a", "two"), turn("a", "three", delivered=2, exact=True)]
        answers = await commit_all(service, turns)
        assert service.commits == before + 1
    assert [answer.seq for answer in answers if isinstance(answer, Committed)] == [1, 1, 2, 3]


@asynchronous
async def test_the_same_run_created_twice_in_a_batch_is_created_once(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        answers = await asyncio.gather(*(service.create_run(new_run("a"), claim_for=WORKER) for _ in range(3)))
    assert [(answer.created, answer.epoch) for answer in answers] == [(True, 1), (False, None), (False, None)]


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
@asynchronous
async def test_when_begin_or_commit_fails_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    fail_on_demand(monkeypatch)
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, *RUNS[:3])
        before = service.commits
        await raw(service, lambda database: database.fails.update({statement: disk_error()}))
        answers = await commit_all(service, [turn(run_id, "a") for run_id in RUNS[:3]])
        await raw(service, lambda database: database.fails.clear())
        assert service.commits == before
        again = await commit_all(service, [turn(run_id, "a", exact=True) for run_id in RUNS[:3]])
    assert [type(answer) for answer in answers] == [CommitUnknownError] * 3
    assert len({id(answer) for answer in answers}) == 3
    assert again == [Committed(1, parked=False)] * 3


@asynchronous
async def test_a_store_that_stays_locked_answers_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.01)
    path = tmp_path / "flow.db"
    async with staffed(path) as service:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(CommitUnknownError, match=r"flow\.db stayed locked"):
            await service.create_run(new_run("a"))
        holder.execute("ROLLBACK")
        holder.close()
        assert (await service.create_run(new_run("a"))).created


@asynchronous
async def test_a_full_disk_is_told_to_every_member_and_loses_nothing_else(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        pages = await raw(service, lambda database: database.execute("PRAGMA page_count").fetchone()[0])
        await raw(service, lambda database: database.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        big = turn("a")
        big.results = [result("s", output=Envelope("x" * 200_000))]
        answers = await commit_all(service, [big, turn("b", "s")])
        await raw(service, lambda database: database.execute("PRAGMA max_page_count = 1000000").fetchone())
        again = await commit_all(service, [turn("b", "s", exact=True)])
    assert [type(answer) for answer in answers] == [StoreFullError] * 2
    assert all("make room" in str(answer) for answer in answers)
    assert again == [Committed(1, parked=False)]


@pytest.mark.parametrize(("moment", "written"), [("before", 0), ("after", 1)])
@asynchronous
async def test_a_fault_reaches_the_caller_on_its_side_of_the_commit(tmp_path: Path, moment: str, written: int) -> None:
    points: list[str] = []

    def strike(point: str) -> None:
        points.append(point)
        if point == f"commit:{moment}":
            raise ZeroDivisionError

    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        service.fault = strike
        answers = await commit_all(service, [turn("a", "s"), turn("b", "s")])
        service.fault = None
        record = await service.get_run("b")
    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
    assert record is not None
    assert record.seq == written
    assert points == ["commit:before", "commit:after"][: 1 + written]


@asynchronous
async def test_a_caller_that_goes_away_does_not_disturb_the_others(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        tasks = [asyncio.ensure_future(service.commit(turn(run_id, "s"))) for run_id in ("a", "b")]
        await asyncio.sleep(0)
        tasks[0].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert answers[1] == Committed(1, parked=False)
        # What was handed over is written all the same.
        record = await service.get_run("a")
    assert record is not None
    assert record.seq == 1


@asynchronous
async def test_closing_waits_for_what_was_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "flow.db"
    async with staffed(path) as service:
        await owned(service, "a")
        task = asyncio.ensure_future(service.commit(turn("a", "s", exact=True, settle=DONE)))
        await asyncio.sleep(0)
    assert await task == Committed(1, parked=False)
    async with opened(path) as service:
        record = await service.get_run("a")
    assert record is not None
    assert record.status.settled


@asynchronous
async def test_without_the_private_call_of_aiosqlite_all_works_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "make_connection", connections.ThreadConnection)
    monkeypatch.setattr("pyflow_services.sqlite.service.make_connection", connections.ThreadConnection)
    async with staffed(tmp_path / "flow.db") as service:
        assert isinstance(service._reader, connections.ThreadConnection)
        await owned(service, "a")
        assert await service.commit(turn("a", "s", exact=True, settle=DONE)) == Committed(1, parked=False)
    (tmp_path / "notes.db").write_text("no database" * 200)
    with pytest.raises(Exception, match="is not a database"):
        async with opened(tmp_path / "notes.db"):
            pass


def test_a_missing_private_call_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(connections.make_connection(lambda: sqlite3.connect(":memory:")), connections.AiosqliteConnection)
    monkeypatch.delattr(connections.aiosqlite.Connection, "_execute")
    made = connections.make_connection(lambda: sqlite3.connect(":memory:"))
    assert isinstance(made, connections.ThreadConnection)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 63, 64, 65, 200])
@asynchronous
async def test_batches_of_every_size_write_the_same(tmp_path: Path, count: int) -> None:
    runs = [f"run-{number:03}" for number in range(count)]
    async with staffed(tmp_path / "flow.db") as service:
        await asyncio.gather(*(service.create_run(new_run(run_id), claim_for=WORKER) for run_id in runs))
        turns = [turn(run_id, "a", exact=True, asks=[ask("b", claimed=True)], cancels=["b"]) for run_id in runs]
        assert await commit_all(service, turns) == [Committed(1, parked=False)] * count
        second = [turn(run_id, delivered=1, exact=True) for run_id in runs]
        for one in second:
            one.results = [result("b", form=StepForm.RPC)]
        assert await commit_all(service, second) == [Committed(2, parked=False)] * count
        parked = [turn(run_id, delivered=2, park=True) for run_id in runs]
        assert await commit_all(service, parked) == [Committed(2, parked=True)] * count
        for run_id in runs:
            assert [event.type for event in await service.list_events(run_id)] == [
                "run.created",
                "run.claimed",
                "step.completed",
                "step.scheduled",
                "step.started",
                "step.stop_requested",
                "step.completed",
                "run.parked",
            ]
