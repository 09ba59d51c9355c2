"""Lists: filters, and pages that stay where they are while runs come and change."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import pytest

from pyflow_core.errors import UsageError
from pyflow_core.ports.state import RunFilter, RunPage, RunStatus
from pyflow_core.testing.contracts.bench import DONE, ONE, StateBench, ask, blocked, failed
from pyflow_core.testing.contracts.scenario import scenario


def _ids(page: RunPage) -> list[str]:
    return [run.run_id for run in page.runs]


class ListContract:
    """`list_runs`, `find_runs`, `settled`."""

    async def _some_runs(self, bench: StateBench) -> None:
        """Six runs, a second apart: a failed, a completed, a waiting, a blocked and two running ones."""
        for n, (workflow, tags) in enumerate(
            [("w1", ("eu",)), ("w1", ()), ("w2", ("eu", "vip")), ("w1", ()), ("w2", ()), ("w1", ("vip",))]
        ):
            await bench.store.create_run(bench.new_run(f"r{n}", workflow, tags=tags), claim_for=ONE)
            bench.clock.advance(1)
        await bench.turn("r0", exact=True, settle=failed("x"))
        await bench.turn("r1", exact=True, settle=DONE)
        await bench.turn("r2", asks=[ask("a")], park=True)
        await bench.turn("r3", exact=True, settle=blocked())

    @scenario
    async def test_runs_are_listed_newest_first(self, bench: StateBench) -> None:
        assert await bench.store.list_runs(RunFilter()) == RunPage((), None)
        await self._some_runs(bench)
        page = await bench.other.list_runs(RunFilter())
        assert (_ids(page), page.next_cursor) == (["r5", "r4", "r3", "r2", "r1", "r0"], None)

    @scenario
    async def test_runs_can_be_filtered(self, bench: StateBench) -> None:
        await self._some_runs(bench)
        since = bench.clock() - 3
        expected = {
            RunFilter(workflow="w2"): ["r4", "r2"],
            RunFilter(workflow="none"): [],
            RunFilter(tag="vip"): ["r5", "r2"],
            RunFilter(tag="none"): [],
            RunFilter(statuses=(RunStatus.COMPLETED,)): ["r1"],
            RunFilter(statuses=(RunStatus.RUNNING, RunStatus.BLOCKED)): ["r5", "r4", "r3"],
            RunFilter(statuses=(RunStatus.CANCELLED,)): [],
            RunFilter(since=since): ["r5", "r4", "r3"],
            RunFilter(since=since + 10): [],
            RunFilter(workflow="w1", tag="eu", statuses=(RunStatus.FAILED,), since=since - 3): ["r0"],
            RunFilter(workflow="w1", tag="vip", statuses=(RunStatus.FAILED,)): [],
        }
        found = {query: _ids(await bench.store.list_runs(query)) for query in expected}
        assert found == expected

    @scenario
    async def test_a_tag_is_matched_whole(self, bench: StateBench) -> None:
        await bench.store.create_run(bench.new_run("r1", tags=("euro", 'e"u', "a,b", "100%")))
        tags = ["euro", 'e"u', "a,b", "100%", "eu", "a", "b", "100_", "uro", "%"]
        found = [tag for tag in tags if (await bench.store.list_runs(RunFilter(tag=tag))).runs]
        assert found == tags[:4]

    @scenario
    async def test_pages_follow_each_other_whatever_comes_between(self, bench: StateBench) -> None:
        for n in range(7):
            await bench.create(f"r{n}")
            bench.clock.advance(1)
        first = await bench.store.list_runs(RunFilter(limit=3))
        assert (_ids(first), first.next_cursor is not None) == (["r6", "r5", "r4"], True)
        await bench.create("newer")
        await bench.turn("r3", exact=True, settle=DONE)
        second = await bench.other.list_runs(RunFilter(limit=3, cursor=first.next_cursor))
        third = await bench.store.list_runs(RunFilter(limit=3, cursor=second.next_cursor))
        assert (_ids(second), _ids(third), third.next_cursor) == (["r3", "r2", "r1"], ["r0"], None)

    @scenario
    async def test_runs_of_one_instant_are_neither_lost_nor_repeated_between_pages(self, bench: StateBench) -> None:
        names = {f"r{n}" for n in range(9)}
        for name in sorted(names):
            await bench.create(name)
        seen: list[str] = []
        cursor = None
        for _ in range(5):
            page = await bench.store.list_runs(RunFilter(limit=2, cursor=cursor))
            seen += _ids(page)
            cursor = page.next_cursor
        assert (cursor, len(seen), set(seen)) == (None, 9, names)

    @scenario
    async def test_filtered_pages_follow_each_other(self, bench: StateBench) -> None:
        for n in range(8):
            await bench.create(f"r{n}", workflow=f"w{n % 2}")
            bench.clock.advance(1)
        first = await bench.store.list_runs(RunFilter(workflow="w1", limit=3))
        second = await bench.store.list_runs(RunFilter(workflow="w1", limit=3, cursor=first.next_cursor))
        assert (_ids(first), _ids(second), second.next_cursor) == (["r7", "r5", "r3"], ["r1"], None)

    @scenario
    async def test_a_full_last_page_says_that_it_is_the_last(self, bench: StateBench) -> None:
        await bench.create("r1")
        await bench.create("r2")
        assert (await bench.store.list_runs(RunFilter(limit=2))).next_cursor is None

    @pytest.mark.parametrize("cursor", ["nonsense", "", "-1", "'; --", "é"])
    @scenario
    async def test_a_foreign_cursor_is_refused(self, bench: StateBench, cursor: str) -> None:
        await bench.create()
        with pytest.raises(UsageError):
            await bench.store.list_runs(RunFilter(cursor=cursor))

    @scenario
    async def test_a_listed_run_says_how_it_stands(self, bench: StateBench) -> None:
        await self._some_runs(bench)
        await bench.turn("r4", asks=[ask("a"), ask("b"), ask("c")], results=[bench.inline("x")])
        await bench.run_step("a", run_id="r4")
        await bench.claim_step("b", run_id="r4")
        runs = {run.run_id: run for run in (await bench.store.list_runs(RunFilter())).runs}
        assert (runs["r4"].steps_done, runs["r4"].steps_open) == (2, 2)
        assert (runs["r2"].steps_done, runs["r2"].steps_open) == (0, 1)
        assert (runs["r2"].workflow, runs["r2"].tags, runs["r2"].status) == ("w2", ("eu", "vip"), RunStatus.WAITING)
        assert (runs["r0"].error, runs["r0"].finished_at) == (failed("x").error, bench.clock())
        assert (runs["r0"].created_at, runs["r0"].updated_at) == (bench.clock() - 6, bench.clock())
        assert (runs["r5"].error, runs["r5"].finished_at) == (None, None)

    @scenario
    async def test_runs_are_found_by_the_beginning_of_their_ids(self, bench: StateBench) -> None:
        for run_id in ("abc", "abd", "ab%", "a_c", "abcd", "ABC", "b"):
            await bench.create(run_id)
        assert sorted(await bench.store.find_runs("abc", 9)) == ["abc", "abcd"]
        assert sorted(await bench.store.find_runs("ab", 9)) == ["ab%", "abc", "abcd", "abd"]
        assert await bench.store.find_runs("ab%", 9) == ["ab%"]
        assert await bench.store.find_runs("a_", 9) == ["a_c"]
        assert len(await bench.store.find_runs("ab", 2)) == 2
        assert await bench.store.find_runs("x", 9) == []
        assert len(await bench.store.find_runs("", 9)) == 7

    @scenario
    async def test_settled_answers_for_runs_that_do_not_go_on(self, bench: StateBench) -> None:
        await self._some_runs(bench)
        found = await bench.other.settled([f"r{n}" for n in range(6)] + ["none"])
        assert {run_id: run.status for run_id, run in found.items()} == {
            "r0": RunStatus.FAILED,
            "r1": RunStatus.COMPLETED,
            "r3": RunStatus.BLOCKED,
        }
        assert await bench.store.settled([]) == {}
