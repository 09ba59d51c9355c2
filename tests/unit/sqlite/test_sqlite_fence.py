"""Who may write, where another store might look in passing: the fences that a group of rows shares."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from pyflow_services.sqlite import leases, locks
from pyflow_services.sqlite.writer import each
from sqlite_bench import DONE, QUEUE, WORKER, ask, asynchronous, new_run, owned, result, staffed, turn

from pyflow_core.errors import ErrorInfo, StaleLeaseError
from pyflow_core.ports.state import OMITTED, Committed, RunStatus, Settlement, StepForm, WorkerInfo

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_services.sqlite.transaction import Transaction


@asynchronous
async def test_a_second_result_of_an_inline_step_is_refused(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        await service.commit(turn("a", "s"))
        answers = await asyncio.gather(
            service.commit(turn("a", "s")), service.commit(turn("b", "s")), return_exceptions=True
        )
        assert isinstance(answers[0], StaleLeaseError)
        assert answers[1] == Committed(1, parked=False)
        step = await service.get_step_state("a", "s")
    assert step is not None
    assert step.seq == 1


@asynchronous
async def test_nothing_is_claimed_without_a_lease(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a")
        await service.commit(turn("a", asks=[ask("s")], park=True))
        await service.create_run(new_run("ready"))
        assert await service.claim_runs("nobody", ["mail"], 5, parked={}) == []
        assert await service.claim_run("ready", "nobody", parked={}) is None
        assert await service.claim_steps("nobody", {QUEUE: 5}) == []
        assert await service.claim_step("a", "s", "nobody") is None
        born = await service.create_run(new_run("b"), claim_for="nobody")
        assert (born.created, born.epoch) == (True, None)
        assert len(await service.claim_runs(WORKER, ["mail"], 5, parked={})) == 2


@asynchronous
async def test_a_lease_that_was_renewed_while_it_was_being_reaped_is_left_alone(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db", lease_clock=lambda: 100.0) as service:
        await owned(service, "a")
        assert await service.write(leases.REAP, leases.Dead((), (WORKER,), (), 129.0)) == ()
        assert await service.write(leases.REAP, leases.Dead((), (WORKER,), (), 130.0)) == (WORKER,)


@asynchronous
async def test_a_worker_of_an_earlier_boot_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a")
        monkeypatch.setattr(leases, "boot_id", lambda: "after the restart")
        assert await service.live_workers() == []
        assert await service.reap() == (WORKER,)
        record = await service.get_run("a")
    assert record is not None
    assert record.owner is None


@asynchronous
async def test_the_head_start_of_a_worker_that_has_gone_delays_nobody(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db", clock=lambda: 1000.0) as service:
        await service.join(WorkerInfo("other", 30.0, "host", 2))
        await owned(service, "a", worker="other")
        await service.commit(turn("a", park=True, worker="other"))
        await service.request_cancel("a")
        assert await service.claim_runs(WORKER, ["mail"], 5, parked={}) == []
        await service.leave("other")
        assert len(await service.claim_runs(WORKER, ["mail"], 5, parked={})) == 1


@asynchronous
async def test_a_redrive_is_a_new_epoch(tmp_path: Path) -> None:
    failed = Settlement(RunStatus.FAILED, OMITTED, ErrorInfo("E", "m"))
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a")
        await service.commit(turn("a", exact=True, settle=failed))
        await service.redrive("a")
        record = await service.get_run("a")
    assert record is not None
    assert (record.epoch, record.generation) == (2, 2)


@asynchronous
async def test_an_operation_that_refuses_after_it_has_written_is_undone(tmp_path: Path) -> None:
    def write_and_refuse(transaction: Transaction, run_id: str) -> None:
        transaction.cursor.execute("UPDATE runs SET seq = 99 WHERE run_id = ?", [run_id])
        raise StaleLeaseError

    bad = each("bad", write_and_refuse)
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        answers = await asyncio.gather(service.write(bad, "a"), service.commit(turn("b", "s")), return_exceptions=True)
        record = await service.get_run("a")
    assert isinstance(answers[0], StaleLeaseError)
    assert answers[1] == Committed(1, parked=False)
    assert record is not None
    assert record.seq == 0


@asynchronous
async def test_results_of_one_run_that_come_together_take_different_numbers(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(20)]
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a")
        await service.commit(turn("a", asks=[ask(name) for name in names], park=True))
        claims = await service.claim_steps(WORKER, {QUEUE: 30})
        finishes = [service.finish_step(claim, WORKER, result(claim.step_name, form=StepForm.RPC)) for claim in claims]
        finished = await asyncio.gather(*finishes)
        late = [service.finish_step(claim, WORKER, result(claim.step_name, form=StepForm.RPC)) for claim in claims[:2]]
        assert {type(answer) for answer in await asyncio.gather(*late, return_exceptions=True)} == {StaleLeaseError}
    assert sorted(one.seq for one in finished) == list(range(1, 21))


@asynchronous
async def test_a_late_result_of_a_settled_run_is_refused_and_disturbs_no_other(tmp_path: Path) -> None:
    async with staffed(tmp_path / "flow.db") as service:
        await owned(service, "a", "b")
        asks = [ask("s", claimed=True)]
        await asyncio.gather(service.commit(turn("a", asks=asks)), service.commit(turn("b", asks=asks)))
        await service.commit(turn("a", exact=True, settle=DONE))
        before = service.commits
        turns = [turn("a"), turn("b")]
        for one in turns:
            one.results = [result("s", form=StepForm.RPC)]
        answers = await asyncio.gather(*(service.commit(one) for one in turns), return_exceptions=True)
        assert service.commits == before + 1
    assert isinstance(answers[0], StaleLeaseError)
    assert answers[1] == Committed(1, parked=False)


def test_a_lock_is_held_until_it_is_let_go(tmp_path: Path) -> None:
    folder = locks.LockFolder(tmp_path / "flow.db")
    held = folder.hold("worker/../1")
    with pytest.raises(FileExistsError):
        folder.hold("worker/../1")
    assert folder.take_over("worker/../1") is None
    held.release()
    taken = folder.take_over("worker/../1")
    assert taken is not None
    taken.remove()
    assert folder.take_over("worker/../1") is None
    assert not list((tmp_path / "flow.db.workers").iterdir())


def test_a_boot_is_told_from_another_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    assert locks.boot_id() == locks.boot_id() != ""
    monkeypatch.setattr(locks.sys, "platform", "elsewhere")
    assert locks._boot_session() == "unknown"
