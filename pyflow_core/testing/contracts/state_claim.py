"""Claims of runs: one winner, what the winner is fed, and who is left alone for a while."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

from pyflow_core.ports.state import (
    LAST_OWNER_HEAD_START_SECONDS,
    EntryType,
    ParkedRun,
    RunStatus,
    StepStatus,
)
from pyflow_core.testing.contracts.bench import ONE, RUN, TWO, WORKFLOW, StateBench, ask
from pyflow_core.testing.contracts.scenario import scenario


class ClaimContract:
    """`claim_run`, `claim_runs`, `numbers`, `load_after`."""

    @scenario
    async def test_a_claim_without_a_cache_brings_the_history(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")], results=[bench.inline("x")])
        await bench.run_step("b")
        await bench.turn(delivered=2, park=True)
        await bench.other.request_cancel(RUN)
        claim = await bench.claim()
        assert (claim.epoch, claim.after, claim.fresh) == (2, None, ())
        assert claim.history is not None
        assert (claim.history.run.owner, claim.history.run.epoch, claim.history.run.seq) == (TWO, 2, 3)
        assert claim.history.run.status is RunStatus.RUNNING
        seqs = {step.step_name: step.seq for step in claim.history.steps}
        assert seqs == {"x": 1, "b": 2, "a": None}
        assert [(entry.seq, entry.type) for entry in claim.history.entries] == [(3, EntryType.CANCEL)]
        assert await bench.history() == claim.history

    @scenario
    async def test_a_claim_by_the_cache_of_the_epoch_before_brings_only_what_is_fresh(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(asks=[ask("a"), ask("b")], results=[bench.inline("x")], exact=True, park=True)
        await bench.run_step("b", "7")
        await bench.other.request_cancel(RUN)
        claim = await bench.claim(worker=ONE, parked={RUN: ParkedRun(1, 1), "else": ParkedRun(9, 9)})
        assert (claim.epoch, claim.after, claim.history) == (2, 1, None)
        assert [numbered.seq for numbered in claim.fresh] == [2, 3]
        step, entry = claim.fresh[0].step, claim.fresh[1].entry
        assert (step and (step.step_name, step.output.inline), claim.fresh[0].entry) == (("b", "7"), None)
        assert (entry and (entry.seq, entry.type), claim.fresh[1].step) == ((3, EntryType.CANCEL), None)

    @scenario
    async def test_a_cache_of_an_older_epoch_is_not_trusted(self, bench: StateBench) -> None:
        await bench.parked("a", "b")
        await bench.run_step("a")
        await bench.claim(worker=TWO)
        await bench.turn(worker=TWO, epoch=2, delivered=1, park=True)
        await bench.run_step("b")
        claim = await bench.claim(worker=ONE, parked={RUN: ParkedRun(1, 0)})
        assert (claim.epoch, claim.after, claim.fresh) == (3, None, ())
        assert claim.history is not None
        assert claim.history.run.seq == 2

    @scenario
    async def test_claims_of_several_runs_tell_caches_apart(self, bench: StateBench) -> None:
        for run_id in ("cached", "stale", "unknown"):
            await bench.parked("a", run_id=run_id)
            await bench.run_step("a", run_id=run_id)
        parked = {"cached": ParkedRun(1, 0), "stale": ParkedRun(0, 0)}
        claims = {claim.run_id: claim for claim in await bench.store.claim_runs(ONE, [WORKFLOW], 9, parked=parked)}
        assert {run_id: claim.after for run_id, claim in claims.items()} == {
            "cached": 0,
            "stale": None,
            "unknown": None,
        }
        assert [numbered.seq for numbered in claims["cached"].fresh] == [1]
        assert [claims[run_id].history is None for run_id in ("cached", "stale", "unknown")] == [True, False, False]
        history = claims["stale"].history
        assert history is not None
        assert [step.status for step in history.steps] == [StepStatus.COMPLETED]

    @scenario
    async def test_of_many_claimers_of_a_run_one_wins(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        claims = await asyncio.gather(
            *(bench.clients[n % 2].claim_run(RUN, (ONE, TWO)[n % 2], parked={}) for n in range(10))
        )
        won = [claim for claim in claims if claim is not None]
        assert [claim.epoch for claim in won] == [1]
        assert (await bench.run()).epoch == 1

    @scenario
    async def test_claimers_of_many_runs_share_them_without_overlap(self, bench: StateBench) -> None:
        names = {f"r{n}" for n in range(20)}
        for name in names:
            await bench.create(name, owner=None)
        batches = await asyncio.gather(
            *(bench.clients[n % 2].claim_runs((ONE, TWO)[n % 2], [WORKFLOW], 6, parked={}) for n in range(6))
        )
        claimed = [claim.run_id for batch in batches for claim in batch]
        assert len(claimed) == len(set(claimed)) == 20
        assert all(len(batch) <= 6 for batch in batches)

    @scenario
    async def test_runs_are_claimed_longest_ready_first(self, bench: StateBench) -> None:
        for run_id in ("late", "early", "middle"):
            await bench.parked("a", run_id=run_id)
        for run_id in ("early", "middle", "late"):
            await bench.run_step("a", run_id=run_id)
            bench.clock.advance(1)
        first = await bench.other.claim_runs(TWO, [WORKFLOW], 2, parked={})
        assert [claim.run_id for claim in first] == ["early", "middle"]
        assert [claim.run_id for claim in await bench.other.claim_runs(TWO, [WORKFLOW], 2, parked={})] == ["late"]
        assert await bench.other.claim_runs(TWO, [WORKFLOW], 2, parked={}) == []

    @scenario
    async def test_only_runs_of_the_given_workflows_are_claimed(self, bench: StateBench) -> None:
        for workflow in ("w1", "w2", "w3"):
            await bench.create(f"of-{workflow}", owner=None, workflow=workflow)
        claims = await bench.store.claim_runs(ONE, ["w1", "w3"], 9, parked={})
        assert {(claim.run_id, claim.workflow) for claim in claims} == {("of-w1", "w1"), ("of-w3", "w3")}
        assert await bench.store.claim_runs(ONE, [], 9, parked={}) == []
        assert await bench.store.claim_runs(ONE, ["w2"], 0, parked={}) == []

    @scenario
    async def test_a_woken_run_is_left_to_its_last_owner_for_a_while(self, bench: StateBench) -> None:
        await bench.parked("a")
        bench.clock.advance(10)
        await bench.run_step("a")
        bench.clock.advance(LAST_OWNER_HEAD_START_SECONDS * 0.9)
        assert await bench.other.claim_runs(TWO, [WORKFLOW], 5, parked={}) == []
        claims = await bench.store.claim_runs(ONE, [WORKFLOW], 5, parked={RUN: ParkedRun(1, 0)})
        assert [(claim.run_id, claim.after) for claim in claims] == [(RUN, 0)]

    @scenario
    async def test_after_its_head_start_a_run_is_anybodys(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.run_step("a")
        bench.clock.advance(LAST_OWNER_HEAD_START_SECONDS * 1.01)
        claims = await bench.other.claim_runs(TWO, [WORKFLOW], 5, parked={})
        assert [claim.run_id for claim in claims] == [RUN]

    @scenario
    async def test_a_run_left_to_its_last_owner_does_not_hide_others(self, bench: StateBench) -> None:
        await bench.parked("a", run_id="favoured")
        await bench.run_step("a", run_id="favoured")
        await bench.create("free", owner=None)
        claims = await bench.other.claim_runs(TWO, [WORKFLOW], 1, parked={})
        assert [claim.run_id for claim in claims] == ["free"]

    @scenario
    async def test_a_claim_by_name_heeds_no_head_start(self, bench: StateBench) -> None:
        await bench.parked("a")
        await bench.run_step("a")
        assert (await bench.claim(worker=TWO)).epoch == 2

    @scenario
    async def test_a_new_run_is_anybodys_at_once(self, bench: StateBench) -> None:
        await bench.create(owner=None)
        assert [claim.run_id for claim in await bench.other.claim_runs(TWO, [WORKFLOW], 5, parked={})] == [RUN]

    @scenario
    async def test_a_worker_reads_the_numbers_of_the_runs_it_owns(self, bench: StateBench) -> None:
        await bench.create("mine")
        await bench.create("theirs", owner=TWO)
        await bench.create("nobodys", owner=None)
        await bench.turn("mine", asks=[ask("a")])
        await bench.run_step("a", run_id="mine")
        assert await bench.store.numbers(ONE) == {"mine": 1}
        assert await bench.store.numbers(TWO) == {"theirs": 0}

    @scenario
    async def test_what_came_after_a_number_can_be_loaded(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(results=[bench.inline("x", "1"), bench.inline("y", "2")])
        await bench.other.request_cancel(RUN)
        assert [n.seq for n in await bench.store.load_after(RUN, 1)] == [2, 3]
        assert [n.step and n.step.output.inline for n in await bench.store.load_after(RUN, 1)] == ["2", None]
        assert await bench.store.load_after(RUN, 3) == ()
