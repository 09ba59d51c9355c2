"""The ledger of payloads: a key is referred to or barred, never both."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio

import pytest

from pyflow_core.errors import PayloadCollectedError, PayloadContractError, StaleLeaseError
from pyflow_core.payload.key import file_slot, part_slot, payload_key
from pyflow_core.ports.metric import CONTRACT_VIOLATIONS
from pyflow_core.ports.payload import Purge
from pyflow_core.ports.state import DEFAULT_TENANT, Envelope, RunFilter, RunStatus, Settlement
from pyflow_core.testing.contracts.bench import (
    DONE,
    ONE,
    RUN,
    TWO,
    WORKFLOW,
    StateBench,
    ask,
    by_reference,
    failed,
    stored_key,
)
from pyflow_core.testing.contracts.scenario import scenario
from pyflow_core.testing.metric import MemoryMetrics

DAY = 86_400.0
SENT = stored_key("send")
VALUE = by_reference(SENT)


async def settle(bench: StateBench, end: Settlement = DONE, *, delivered: int = 0) -> None:
    """End the run."""
    await bench.turn(delivered=delivered, exact=True, settle=end)


class LedgerContract:
    """What collection asks of the state, and what commits owe to it."""

    @scenario
    async def test_a_payload_that_a_row_holds_is_never_barred(self, bench: StateBench) -> None:
        keys = {name: stored_key(name) for name in ("input", "asked", "inline", "remote", "output")}
        await bench.store.create_run(bench.new_run(input=by_reference(keys["input"])), claim_for=ONE)
        await bench.turn(
            asks=[ask("remote")._replace(input=by_reference(keys["asked"]))],
            results=[bench.inline("local")._replace(output=by_reference(keys["inline"]))],
        )
        claim = await bench.claim_step("remote")
        await bench.other.finish_step(claim, TWO, bench.outcome(claim)._replace(output=by_reference(keys["remote"])))
        await settle(bench, Settlement(RunStatus.COMPLETED, by_reference(keys["output"]), None), delivered=2)

        everything = {*keys.values(), stored_key("nobody")}
        assert await bench.other.ledger.unreferenced(everything) == {stored_key("nobody")}
        assert await bench.other.ledger.bar(everything) == {stored_key("nobody")}

    @scenario
    async def test_what_a_living_run_may_still_refer_to_is_not_barred(self, bench: StateBench) -> None:
        await bench.create()
        assert await bench.store.ledger.bar([SENT]) == set()
        await settle(bench)
        assert await bench.store.ledger.bar([SENT]) == {SENT}

    @scenario
    async def test_what_a_step_stored_beside_its_result_lives_as_long_as_its_run(self, bench: StateBench) -> None:
        files = {
            payload_key(DEFAULT_TENANT, WORKFLOW, RUN, "send", slot, "a" * 64)
            for slot in (file_slot("page 1.txt"), part_slot(7))
        }
        await bench.create()
        await settle(bench)
        assert await bench.store.ledger.unreferenced(files) == set()
        assert await bench.store.ledger.bar(files) == set()
        await bench.store.ledger.expired_runs(0.0, 10)
        assert await bench.store.ledger.bar(files) == files

    @scenario
    async def test_a_commit_that_refers_to_a_barred_payload_is_refused_whole(self, bench: StateBench) -> None:
        # A key of a run that does not exist yet, since that of a living one is never barred.
        other = stored_key("send", run_id="elsewhere")
        assert await bench.store.ledger.bar([other]) == {other}
        value = by_reference(other)
        with pytest.raises(PayloadCollectedError) as refused:
            await bench.store.create_run(bench.new_run(input=value), claim_for=ONE)
        assert refused.value.keys == {other}
        assert await bench.store.get_run(RUN) is None

        await bench.create()
        before = await bench.picture()
        third = stored_key("third", run_id="elsewhere")
        assert await bench.store.ledger.bar([third]) == {third}
        inputs = [VALUE, value, by_reference(third)]
        with pytest.raises(PayloadCollectedError) as refused:
            await bench.turn(asks=[ask(f"step-{n}")._replace(input=one) for n, one in enumerate(inputs)])
        assert refused.value.keys == {other, third}, "all that are barred, so that one more try is enough"
        with pytest.raises(PayloadCollectedError):
            await bench.turn(results=[bench.inline("local")._replace(output=value)])
        with pytest.raises(PayloadCollectedError):
            await settle(bench, Settlement(RunStatus.COMPLETED, value, None))
        assert await bench.picture() == before

        await bench.turn(asks=[ask("remote")])
        claim = await bench.claim_step("remote")
        with pytest.raises(PayloadCollectedError):
            await bench.other.finish_step(claim, TWO, bench.outcome(claim)._replace(output=value))
        await bench.other.finish_step(claim, TWO, bench.outcome(claim))

    @scenario
    async def test_of_a_commit_and_a_bar_at_once_one_loses(self, bench: StateBench) -> None:
        for number in range(20):
            key = stored_key("send", run_id=f"elsewhere-{number}")
            run = bench.new_run(run_id=f"run-{number}", input=by_reference(key))
            created, barred = await asyncio.gather(
                bench.store.create_run(run), bench.other.ledger.bar([key]), return_exceptions=True
            )
            assert not isinstance(barred, BaseException)
            assert (key in barred) == isinstance(created, PayloadCollectedError)
            assert (key in barred) == (await bench.other.get_run(f"run-{number}") is None)

    @scenario
    async def test_what_unsettled_runs_refer_to_is_told_run_by_run(self, bench: StateBench) -> None:
        shared = stored_key("send", run_id="elsewhere")
        for name in ("one", "ended", "two", "bare", "three"):
            value = Envelope("1") if name == "bare" else by_reference(shared if name == "two" else stored_key(name))
            await bench.store.create_run(bench.new_run(run_id=name, input=value), claim_for=ONE)
        await bench.turn(run_id="three", results=[bench.inline("local")._replace(output=by_reference(shared))])
        await bench.turn(run_id="ended", exact=True, settle=DONE)

        told: list[set[str]] = []
        after: int | None = 0
        while after is not None:
            keys, after = await bench.other.ledger.live_keys(after, 2)
            told.append(keys)
        assert told[:2] == [{stored_key("one"), shared}, {shared, stored_key("three")}]
        assert not any(told[2:])
        assert await bench.store.ledger.live_keys(0, 10) == ({stored_key("one"), stored_key("three"), shared}, None)

    @scenario
    async def test_what_a_run_held_in_an_earlier_generation_is_kept(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(results=[bench.inline("first")])
        await bench.turn(delivered=1, asks=[ask("remote", asked_at=1)])
        claim = await bench.claim_step("remote")
        await bench.fail(claim)
        output = [bench.inline("undo")._replace(asked_at=2, output=VALUE)]
        await bench.turn(delivered=2, results=output)
        await settle(bench, failed("remote"), delivered=3)
        redriven = await bench.store.redrive(RUN)
        assert redriven is not None
        assert redriven.archived == ("undo",)
        await bench.store.request_cancel(RUN)
        assert await bench.store.ledger.unreferenced([SENT]) == set()

    @scenario
    async def test_a_tombstone_is_forgotten_when_it_is_old(self, bench: StateBench) -> None:
        ledger = bench.store.ledger
        assert await ledger.bar([SENT]) == {SENT}
        bench.clock.advance(DAY)
        assert await ledger.bar([stored_key("later")]) == {stored_key("later")}
        assert await ledger.unbar(DAY / 2) == 1
        await bench.store.create_run(bench.new_run(input=VALUE))
        assert await ledger.unreferenced([SENT]) == set()
        assert await ledger.bar([stored_key("later")]) == {stored_key("later")}

    @scenario
    async def test_a_deletion_that_is_taken_up_has_a_fresh_tombstone(self, bench: StateBench) -> None:
        ledger = bench.store.ledger
        assert await ledger.bar([SENT]) == {SENT}
        bench.clock.advance(DAY)
        assert await bench.other.ledger.bar([SENT]) == {SENT}
        assert await ledger.unbar(DAY / 2) == 0
        with pytest.raises(PayloadCollectedError):
            await bench.store.create_run(bench.new_run(input=VALUE))

    @scenario
    async def test_runs_expire_when_they_ended_long_ago(self, bench: StateBench) -> None:
        ledger = bench.store.ledger
        for name in ("old", "new", "alive"):
            await bench.store.create_run(bench.new_run(run_id=name), claim_for=ONE)
        await bench.turn(run_id="old", exact=True, settle=DONE)
        bench.clock.advance(DAY)
        await bench.turn(run_id="new", exact=True, settle=DONE)
        expired = await ledger.expired_runs(DAY, 10)
        assert [run.run_id for run in expired] == ["old"]
        assert stored_key("send", run_id="old").startswith(expired[0].prefix)
        assert [run.run_id for run in await ledger.expired_runs(0.0, 10)] == ["old", "new"]
        assert [run.run_id for run in await ledger.expired_runs(0.0, 1)] == ["old"]

    @scenario
    async def test_an_expired_run_is_not_opened_again_and_needs_nothing(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(results=[bench.inline("local")._replace(output=VALUE)])
        await settle(bench, failed(), delivered=1)
        assert [run.run_id for run in await bench.store.ledger.expired_runs(0.0, 10)] == [RUN]
        assert await bench.store.redrive(RUN) is None
        assert await bench.store.ledger.bar([SENT]) == {SENT}

    @scenario
    async def test_a_purge_that_is_under_way_is_told_with_why_it_did_not_get_through(self, bench: StateBench) -> None:
        ledger = bench.other.ledger
        await bench.create()
        await settle(bench, failed())
        assert [await ledger.purge_of(name) for name in (RUN, "nobody")] == [None, None]
        await bench.store.ledger.expired_runs(0.0, 10)
        assert await ledger.purge_of(RUN) == Purge(None)
        await bench.store.ledger.note_failure(RUN, "the store was away")
        assert await ledger.purge_of(RUN) == Purge("the store was away")
        await bench.store.ledger.forget_run(RUN)
        assert await ledger.purge_of(RUN) is None

    @scenario
    async def test_what_another_run_holds_outlives_the_run_that_stored_it(self, bench: StateBench) -> None:
        await bench.create()
        await bench.turn(results=[bench.inline("local")._replace(output=VALUE)])
        await bench.store.create_run(bench.new_run(run_id="heir", input=VALUE))
        await settle(bench, delivered=1)
        await bench.store.ledger.expired_runs(0.0, 10)
        assert await bench.store.ledger.bar([SENT]) == set()
        await bench.store.ledger.forget_run(RUN)
        assert await bench.store.ledger.bar([SENT]) == set()

    @scenario
    async def test_a_forgotten_run_is_gone_with_all_its_rows(self, bench: StateBench) -> None:
        await bench.store.create_run(bench.new_run(tags=("vip",)), claim_for=ONE)
        await bench.turn(results=[bench.inline("local")._replace(output=VALUE)])
        await settle(bench, delivered=1)
        await bench.store.ledger.forget_run(RUN)
        assert await bench.store.get_run(RUN) is not None, "it was not marked"
        await bench.store.ledger.expired_runs(0.0, 10)
        await bench.store.ledger.note_failure(RUN, "the store could not be reached")
        assert [run.run_id for run in await bench.store.ledger.expired_runs(0.0, 10)] == [RUN]
        await bench.store.ledger.forget_run(RUN)

        assert await bench.other.get_run(RUN) is None
        assert await bench.other.list_steps(RUN) == []
        assert await bench.other.list_events(RUN) == []
        assert await bench.other.find_runs(RUN, 5) == []
        for query in (RunFilter(), RunFilter(workflow=WORKFLOW), RunFilter(tag="vip")):
            assert (await bench.other.list_runs(query)).runs == ()
        assert await bench.other.ledger.expired_runs(0.0, 10) == []
        await bench.store.create_run(bench.new_run(), claim_for=ONE)
        with pytest.raises(StaleLeaseError):
            await bench.turn(epoch=7, results=[bench.inline("local")])

    @scenario
    async def test_what_is_no_reference_is_refused(self, bench: StateBench) -> None:
        metrics = bench.store.metrics = bench.other.metrics = MemoryMetrics()
        broken = Envelope(reference='{"$ref": "payloads/1"}')
        with pytest.raises(PayloadContractError):
            await bench.store.create_run(bench.new_run(input=broken))
        await bench.create()
        with pytest.raises(PayloadContractError):
            await bench.turn(results=[bench.inline("local")._replace(output=broken)])
        assert (await bench.run()).seq == 0
        await bench.turn(asks=[ask("remote")])
        claim = await bench.claim_step("remote")
        with pytest.raises(PayloadContractError):
            await bench.other.finish_step(claim, TWO, bench.outcome(claim)._replace(output=broken))
        assert metrics.counts[CONTRACT_VIOLATIONS] == 3

    @scenario
    async def test_a_step_remembers_what_its_run_held_when_it_was_asked_for(self, bench: StateBench) -> None:
        await bench.store.create_run(bench.new_run(tenant="acme"), claim_for=ONE)
        await bench.turn(asks=[ask("remote")._replace(inline_bytes=70_000)])
        claim = await bench.claim_step("remote")
        assert (claim.tenant, claim.inline_bytes) == ("acme", 70_000)
        assert (await bench.run()).tenant == "acme"
