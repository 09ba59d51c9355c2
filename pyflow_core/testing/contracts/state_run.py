"""Runs: creating them once, reading them, and what is answered for those that do not exist."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pyflow_core.ports.state import OMITTED, Envelope, RunFilter, RunStatus
from pyflow_core.testing.contracts.bench import DONE, ONE, RUN, TWO, WORKFLOW, StateBench
from pyflow_core.testing.contracts.scenario import scenario


class RunContract:
    """Creating and reading runs."""

    @scenario
    async def test_a_run_created_without_an_owner_is_ready(self, bench: StateBench) -> None:
        created = await bench.create(owner=None)
        assert (created.run_id, created.workflow, created.created) == (RUN, WORKFLOW, True)
        assert (created.status, created.epoch, created.created_at) == (RunStatus.RUNNING, None, bench.clock())
        claim = await bench.claim()
        assert (claim.run_id, claim.workflow, claim.epoch, claim.generation) == (RUN, WORKFLOW, 1, 1)

    @scenario
    async def test_a_run_may_be_born_claimed(self, bench: StateBench) -> None:
        created = await bench.create(owner=ONE)
        assert (created.created, created.epoch) == (True, 1)
        assert await bench.other.claim_run(RUN, TWO, parked={}) is None
        assert await bench.other.claim_runs(TWO, [WORKFLOW], 10, parked={}) == []
        assert await bench.store.numbers(ONE) == {RUN: 0}
        assert (await bench.run()).owner == ONE

    @scenario
    async def test_a_new_run_holds_what_it_was_created_with(self, bench: StateBench) -> None:
        given = bench.new_run(input=Envelope('{"a":1}', None, "meta", "ctx"), tags=("eu", "vip"), actor="ada")
        await bench.store.create_run(given)
        run = await bench.run()
        assert (run.run_id, run.workflow, run.status) == (RUN, WORKFLOW, RunStatus.RUNNING)
        assert (run.input, run.output, run.error) == (given.input, OMITTED, None)
        assert (run.code_hash, run.tags, run.actor) == ("code-1", ("eu", "vip"), "ada")
        assert (run.generation, run.seq, run.epoch, run.owner, run.takeovers) == (1, 0, 0, None, 0)
        assert (run.created_at, run.updated_at, run.finished_at) == (bench.clock(), bench.clock(), None)

    @scenario
    async def test_creating_a_run_twice_answers_the_first(self, bench: StateBench) -> None:
        first = await bench.create(owner=ONE)
        before = await bench.picture()
        bench.clock.advance(5)
        changed = bench.new_run(workflow="another", input=Envelope(inline="2"), tags=("late",))
        second = await bench.other.create_run(changed, claim_for=TWO)
        assert second == first._replace(created=False, epoch=None)
        assert await bench.picture() == before

    @scenario
    async def test_creating_a_settled_run_answers_how_it_ended(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(exact=True, settle=DONE)
        again = await bench.create()
        assert (again.created, again.epoch, again.status) == (False, None, RunStatus.COMPLETED)
        assert await bench.store.claim_run(RUN, ONE, parked={}) is None

    @scenario
    async def test_of_many_that_create_a_run_at_once_one_makes_it(self, bench: StateBench) -> None:
        owners = [ONE, TWO, None] * 4
        made = await asyncio.gather(
            *(
                bench.clients[n % 2].create_run(bench.new_run(input=Envelope(inline=str(n))), claim_for=owner)
                for n, owner in enumerate(owners)
            )
        )
        winners = [n for n, created in enumerate(made) if created.created]
        assert len(winners) == 1
        run = await bench.run()
        assert run.input == Envelope(inline=str(winners[0]))
        assert run.owner == owners[winners[0]]
        assert all(created.epoch is None for n, created in enumerate(made) if n != winners[0])

    @scenario
    async def test_what_does_not_exist_is_answered_as_nothing(self, bench: StateBench) -> None:
        store = bench.store
        assert await store.get_run("none") is None
        assert await store.load_run("none") is None
        assert await store.load_after("none", 0) == ()
        assert await store.claim_run("none", ONE, parked={}) is None
        assert await store.claim_step("none", "send", ONE) is None
        assert await store.get_step_state("none", "send") is None
        assert await store.request_cancel("none") is None
        assert (await store.plan_redrive("none"), await store.redrive("none")) == (None, None)
        assert (await store.list_steps("none"), await store.list_events("none")) == ([], [])
        assert (await store.settled(["none"]), await store.numbers("nobody")) == ({}, {})
        assert (await store.find_runs("n", 5), await store.claim_runs(ONE, ["none"], 5, parked={})) == ([], [])
        assert (await store.unblock("none", "code"), (await store.list_runs(RunFilter())).runs) == (0, ())
        assert (await store.claim_steps(ONE, {"none": 3}), await store.next_due(["none"])) == ([], None)
        assert (await store.reap(), await store.revoked(ONE, []), await store.unqueued(0, 5)) == ((), [], [])

    @pytest.mark.parametrize(
        "run_id", ["Zoë's", 'a"b', "a;DROP TABLE runs", "100%_", "日本語", "🙂", "a/b\\c", "*", "x" * 200]
    )
    @scenario
    async def test_a_run_may_have_an_odd_id(self, bench: StateBench, run_id: str) -> None:
        await bench.parked("send it: €5", run_id=run_id)
        await bench.run_step("send it: €5", run_id=run_id)
        claim = await bench.claim(run_id)
        assert claim.run_id == run_id
        assert await bench.store.find_runs(run_id[:1], 5) == [run_id]
        assert [step.step_name for step in await bench.store.list_steps(run_id)] == ["send it: €5"]

    @scenario
    async def test_the_store_keeps_its_own_clock(self, bench: StateBench) -> None:
        before = bench.store.now()
        bench.clock.advance(7)
        assert bench.store.now() == before + 7

    @scenario
    async def test_closing_twice_is_harmless(self, bench: StateBench) -> None:
        await bench.create()
        await bench.store.close()
        await bench.store.close()

    @scenario
    async def test_what_was_read_does_not_change_any_more(self, bench: StateBench) -> None:
        await bench.parked("a")
        run, steps = await bench.run(), await bench.store.list_steps(RUN)
        copies = replace(run), [replace(step) for step in steps]
        await bench.run_step("a")
        await bench.claim()
        assert (run, steps) == copies
