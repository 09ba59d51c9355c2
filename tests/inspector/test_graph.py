"""Blocks become nodes, and every way that a run may take becomes an edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graph_text import outline, ways

if TYPE_CHECKING:
    from inspector_bench import Bench

    from pyflow_core.metadata import Graph


def _do(name: str) -> str:
    return f'await workflow.do("{name}", lambda: 1)'


A, B, C, D = map(_do, "abcd")


def _graph(bench: Bench, body: str, head: str = "") -> Graph:
    return bench.workflow(body, head=head).graph


def test_steps_follow_one_another(bench: Bench) -> None:
    assert ways(_graph(bench, f"{A}\n{B}\nreturn data")) == {"start > a", "a > b", "b > end"}


def test_a_workflow_without_steps_goes_from_start_to_end(bench: Bench) -> None:
    graph = _graph(bench, "x = 1\nif x:\n    x = 2\nfor y in data:\n    if y: break\nlogger.info(x)")
    assert [node.id for node in graph.nodes] == ["start", "end"]
    assert ways(graph) == {"start > end"}


def test_a_branch_leads_into_its_arms(bench: Bench) -> None:
    graph = _graph(bench, f"if data == 1:\n    {A}\nelse:\n    {B}\n{C}")
    assert ways(graph) == {
        "start > branch:data-1", "branch:data-1 then> a", "branch:data-1 else> b", "a > c", "b > c", "c > end",
    }  # fmt: skip
    assert outline(graph) == ["start", "branch:data-1", "  then: a", "  else: b", "c", "end"]


def test_an_elif_stands_in_the_else_arm_after_the_steps_of_its_test(bench: Bench) -> None:
    graph = _graph(bench, f"if data:\n    {A}\nelif {B}:\n    {C}\n{D}")
    assert outline(graph) == [
        "start", "branch:data", "  then: a", "  else: b", "  else: branch:await-workflow.do-b-lambda-1",
        "    then: c", "d", "end",
    ]  # fmt: skip
    inner = "branch:data/branch:await-workflow.do-b-lambda-1"
    assert ways(graph) == {
        "start > branch:data", "branch:data then> a", "branch:data else> b", f"b > {inner}", f"{inner} then> c",
        f"{inner} else> d", "a > d", "c > d", "d > end",
    }  # fmt: skip


def test_conditions_are_shown_as_they_are_written(bench: Bench) -> None:
    body = f"""
        if user["x"]  ==  'EU':
            {A}
        if (data  # because
                and db):
            {B}
        x = {C} if not data else 1
        y = data.ready or {D}
    """
    graph = _graph(bench, body)
    branches = [node for node in graph.nodes if node.kind == "branch"]
    assert [node.condition for node in branches] == ["user[\"x\"]  ==  'EU'", "data and db", "not data", "data.ready"]
    assert [bench.text(node.span) for node in branches if node.span][:1] == ["user[\"x\"]  ==  'EU'"]
    assert [node.arm for node in graph.nodes if node.step] == ["then", "then", "then", "else"]


def test_a_match_tries_its_cases_and_the_steps_of_their_guards(bench: Bench) -> None:
    body = f"""
        match data.kind:
            case "x" if {A}:
                {B}
            case [1, *_]:
                return
        {C}
    """
    first = 'case "x" if await workflow.do("a", lambda: 1)'
    match = "match:data.kind"
    assert ways(_graph(bench, body)) == {
        f"start > {match}", f"{match} {first}> a", "a > b", "b > c",
        f"{match} case [1, *_]> {match}/return:1", f"a case [1, *_]> {match}/return:1",
        f"{match} else> c", "a else> c", f"{match}/return:1 return> end", "c > end",
    }  # fmt: skip


def test_a_match_that_takes_everything_has_no_way_past(bench: Bench) -> None:
    graph = _graph(bench, f"match data:\n    case 1:\n        {A}\n    case _:\n        {B}\n{C}")
    assert {way for way in ways(graph) if way.startswith("match")} == {"match:data case 1> a", "match:data case _> b"}


def test_a_loop_is_entered_repeated_and_left(bench: Bench) -> None:
    graph = _graph(bench, f"for x in data.items:\n    {A}\nelse:\n    {B}\n{C}")
    loop = "loop:data.items"
    assert ways(graph) == {f"start > {loop}", f"{loop} body> a", f"a ^> {loop}", f"{loop} done> b", "b > c", "c > end"}
    (node,) = (node for node in graph.nodes if node.kind == "loop")
    assert (node.over, node.condition, node.label) == ("data.items", None, "for x in data.items")
    assert outline(graph) == ["start", loop, "  body: a", "  else: b", "c", "end"]


def test_break_and_continue_lead_out_of_and_back_to_their_loop(bench: Bench) -> None:
    body = f"""
        for x in data:
            if x.bad: continue
            {A}
            if x.last: break
        else:
            {B}
        {C}
    """
    bad, last = "loop:data/branch:x.bad", "loop:data/branch:x.last"
    assert ways(_graph(bench, body)) == {
        "start > loop:data", f"loop:data body> {bad}", f"{bad} then> {bad}/continue:1",
        f"{bad}/continue:1 continue> loop:data", f"{bad} else> a", f"a > {last}", f"{last} then> {last}/break:1",
        f"{last}/break:1 break> c", f"{last} ^else> loop:data", "loop:data done> b", "b > c", "c > end",
    }  # fmt: skip


def test_the_steps_of_a_while_test_run_before_each_round(bench: Bench) -> None:
    graph = _graph(bench, f"while not {A}:\n    {B}")
    loop = "loop:not-await-workflow.do-a-lambda-1"
    assert ways(graph) == {f"start > {loop}", f"{loop} > a", "a body> b", f"b ^> {loop}", "a done> end"}
    assert outline(graph)[2:4] == ["  test: a", "  body: b"]


def test_an_endless_loop_is_left_by_break_only(bench: Bench) -> None:
    graph = _graph(bench, f"while True:\n    {A}\n    if data:\n        break\n{B}")
    assert "loop:True/branch:data/break:1 break> b" in ways(graph)
    assert not any("done>" in way for way in ways(graph))
    unreached = _graph(bench, f"while True:\n    {A}\n{B}")
    assert [node.id for node in unreached.nodes if node.unreachable] == ["b", "end"]


def test_an_error_may_come_to_any_handler_and_everything_leads_through_finally(bench: Bench) -> None:
    body = f"""
        try:
            {A}
        except (KeyError, ValueError):
            {B}
        except OSError:
            return
        else:
            {C}
        finally:
            {D}
    """
    assert ways(_graph(bench, body)) == {
        "start > try:1", "try:1 > a", "a > c", "c > d", "try:1 !(KeyError, ValueError)> b", "b > d",
        "try:1 !OSError> try:1/return:1", "try:1/return:1 return> d", "try:1 !> d",
        "d > end", "d return> end", "d !> end",
    }  # fmt: skip


SUPPRESS = "import contextlib\nfrom contextlib import suppress as quiet"


def test_what_is_suppressed_goes_on_behind_it_as_behind_a_try(bench: Bench) -> None:
    graph = _graph(bench, f"with contextlib.suppress(ValueError):\n    {A}\n{B}", SUPPRESS)
    assert [(node.id, node.kind, node.label, node.parent) for node in graph.nodes][1:3] == [
        ("try:1", "try", "suppress", None), ("a", "inline", "a", "try:1")
    ]  # fmt: skip
    assert ways(graph) == {"start > try:1", "try:1 > a", "a > b", "try:1 !ValueError> b", "b > end"}


def test_a_raise_inside_of_suppress_goes_on_behind_it_if_it_is_meant(bench: Bench) -> None:
    body = (
        f"with open(data), quiet(KeyError, ValueError):\n    {A}\n    if data:\n        raise ValueError\n"
        f"    raise TypeError\n{B}"
    )
    graph = _graph(bench, body, SUPPRESS)
    found = {way for way in ways(graph) if way.endswith("> b")}
    caught = "(KeyError, ValueError)"
    raised = f"try:1/branch:data/raise:1 raise ValueError, then except {caught}> b"
    assert found == {f"try:1 !{caught}> b", raised}


def test_a_return_inside_of_suppress_does_not_end_every_run(bench: Bench) -> None:
    graph = _graph(bench, f"with quiet(ValueError):\n    return {A}\n{B}", SUPPRESS)
    assert {"try:1 !ValueError> b", "b > end"} <= ways(graph)
    assert "PF209" not in bench.codes


def test_other_managers_leave_no_trace(bench: Bench) -> None:
    body = f"with contextlib.nullcontext():\n    {A}\nwith quiet():\n    {B}"
    assert ways(_graph(bench, body, SUPPRESS)) == {"start > a", "a > b", "b > end"}


def test_break_and_continue_pass_through_finally(bench: Bench) -> None:
    body = f"""
        for x in data:
            try:
                if x: break
                {A}
                continue
            finally:
                {B}
        {C}
    """
    found = ways(_graph(bench, body))
    assert {way for way in found if way.startswith("b ")} == {"b break> c", "b continue> loop:data", "b !> end"}


@pytest.mark.parametrize(
    ("raised", "target"),
    [
        ("raise KeyError(1)", {"a"}),
        ("raise IndexError", {"b"}),
        ("raise Missing()", {"a", "b", "c"}),
        ("raise Failed()", {"a", "b", "c"}),
        ("raise OSError", {"c"}),
        ("raise KeyboardInterrupt", {"end"}),
        ("raise data", {"a", "b", "c"}),
    ],
)
def test_a_raise_leads_to_the_handlers_that_may_take_it(bench: Bench, raised: str, target: set[str]) -> None:
    body = f"""
        try:
            {_do("first")}
            {raised}
        except KeyError:
            {A}
        except (LookupError, Failed):
            {B}
        except Exception:
            {C}
    """
    if raised == "raise Failed()":
        target = target - {"c"}
    graph = _graph(bench, body)
    assert {edge.target for edge in graph.edges if edge.source == "try:1/raise:1"} == target


def test_a_raise_that_no_handler_takes_leads_out(bench: Bench) -> None:
    body = f"""
        try:
            try:
                {A}
            except KeyError:
                raise
        except ValueError:
            {B}
    """
    inner = "try:1/try:1"
    assert ways(_graph(bench, body)) == {
        "start > try:1", f"try:1 > {inner}", f"{inner} > a", "a > end", f"{inner} !KeyError> {inner}/raise:1",
        f"{inner}/raise:1 !> b", f"{inner}/raise:1 !> end", "try:1 !ValueError> b", "b > end",
    }  # fmt: skip


def test_a_gather_is_a_group_with_an_arm_for_each_call(bench: Bench) -> None:
    graph = _graph(bench, 'await asyncio.gather(workflow.do("a", lambda: 1), rpc.invoke("users.create", 1))')
    assert outline(graph) == ["start", "parallel:1", "  1: a", "  2: invoke:users.create", "end"]
    assert ways(graph) == {"start > parallel:1", "parallel:1 > end"}


def test_calls_made_before_join_the_group_that_awaits_them(bench: Bench) -> None:
    body = f"""
        one = workflow.do("one", lambda: 1)
        many = [workflow.do(f"many-{{x}}", lambda: 1) for x in data.xs]
        more = []
        for y in data.ys:
            more.append(workflow.do(f"more-{{y}}", lambda: 1))
        {A}
        await asyncio.gather(one, asyncio.wait_for(workflow.do("two", lambda: 1), 3))
        await asyncio.gather(*many)
        await asyncio.gather(*more, return_exceptions=True)
    """
    graph = _graph(bench, body)
    assert outline(graph) == [
        "start", "a", "parallel:1", "  1: one", "  2: two", "parallel:2", "  each: many-*", "parallel:3",
        "  each: more-*", "end",
    ]  # fmt: skip
    groups = [node for node in graph.nodes if node.kind == "parallel"]
    assert [(node.join, node.over) for node in groups] == [("all", None), ("all", "data.xs"), ("settled", "data.ys")]


def test_a_fan_out_beside_other_calls_is_a_group_of_its_own(bench: Bench) -> None:
    body = 'await asyncio.gather(workflow.do("a", lambda: 1), *(workflow.do(f"b-{x}", lambda: 1) for x in data))'
    assert outline(_graph(bench, body)) == ["start", "parallel:1", "  1: a", "  2: parallel:1", "    each: b-*", "end"]


def test_what_is_awaited_inside_the_arguments_comes_before_the_group(bench: Bench) -> None:
    body = f'await asyncio.gather(workflow.do("x", "users.create", {A}), workflow.do("y", lambda: 1))'
    assert outline(_graph(bench, body)) == ["start", "a", "parallel:1", "  1: x", "  2: y", "end"]


def test_the_tasks_of_a_task_group_are_its_arms(bench: Bench) -> None:
    body = f"""
        async with asyncio.TaskGroup() as group:
            first = group.create_task(workflow.do("x", lambda: 1))
            {A}
            if data:
                group.create_task(workflow.do("y", lambda: 1))
            for z in data:
                group.create_task(workflow.do(f"z-{{z}}", lambda: 1))
    """
    graph = _graph(bench, body)
    assert outline(graph) == [
        "start", "a", "parallel:1", "  1: x", "  2: branch:data", "    then: y", "  3: parallel:1", "    each: z-*",
        "end",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "join"),
    [
        ("asyncio.wait(tasks)", "settled"),
        ("asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)", "first"),
        ("asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)", "first_exception"),
        ("asyncio.gather(*tasks)", "all"),
        ("asyncio.gather(*tasks, return_exceptions=True)", "settled"),
    ],
)
def test_how_a_group_is_joined(bench: Bench, call: str, join: str) -> None:
    body = f'tasks = [asyncio.create_task(workflow.do(n, "users.create", 1)) for n in data]\nawait {call}'
    graph = _graph(bench, body)
    (group,) = (node for node in graph.nodes if node.kind == "parallel")
    assert (group.join, group.over) == (join, "data")
    assert outline(graph) == ["start", "parallel:1", "  each: *", "end"]


def test_tasks_that_a_loop_waits_for_are_a_group_where_they_are_made(bench: Bench) -> None:
    body = f"""
        pending = {{asyncio.create_task(workflow.do(f"x-{{n}}", lambda: 1)) for n in data}}
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            {A}
    """
    graph = _graph(bench, body)
    assert outline(graph) == ["start", "parallel:1", "  each: x-*", "loop:pending", "  body: a", "end"]


def test_as_completed_is_a_group_before_its_loop(bench: Bench) -> None:
    body = f'for done in asyncio.as_completed([workflow.do("x", lambda: 1)]):\n    await done\n    {A}'
    graph = _graph(bench, body)
    assert outline(graph)[1:4] == ["parallel:1", "  1: x", "loop:asyncio.as_completed-workflow.do-x-lambda-1"]
    assert graph.nodes[1].join == "each"


def test_a_call_that_is_awaited_later_happens_there(bench: Bench) -> None:
    body = f'x = workflow.do("x", lambda: 1)\n{A}\nif data:\n    await x'
    assert outline(_graph(bench, body)) == ["start", "a", "branch:data", "  then: x", "end"]


def test_a_helper_is_opened_with_its_name(bench: Bench) -> None:
    head = """
        async def helper(w, data):
            if not data:
                return None
            return await w.do("h", "users.create", data)
    """
    graph = _graph(bench, "await helper(workflow, data)\nawait helper(workflow, data)", head)
    assert outline(graph) == [
        "start", "call:helper", "  body: branch:not-data", "    then: return:1", "  body: h",
        "call:helper:2", "  body: branch:not-data", "    then: return:1", "  body: h:2", "end",
    ]  # fmt: skip
    calls = [node for node in graph.nodes if node.kind == "call"]
    assert {node.helper for node in calls} == {"app.flows:helper"}
    assert [node.step for node in graph.nodes if node.step] == ["h", "h"]
    assert {way for way in ways(graph) if way.endswith("> call:helper:2")} == {
        "h > call:helper:2", "call:helper/branch:not-data/return:1 return> call:helper:2",
    }  # fmt: skip


def test_a_raise_in_a_helper_comes_to_the_handlers_of_its_caller(bench: Bench) -> None:
    head = """
        async def helper(w):
            await w.do("h", lambda: 1)
            raise ValueError
    """
    body = f"try:\n    await helper(workflow)\nexcept ValueError:\n    {A}"
    assert "try:1/call:helper/raise:1 !ValueError> a" in ways(_graph(bench, body, head))


def test_a_raise_in_an_arm_comes_out_of_the_whole_group(bench: Bench) -> None:
    head = """
        async def helper(w):
            await w.do("h", lambda: 1)
            raise ValueError
    """
    body = f"try:\n    await asyncio.gather(helper(workflow))\nexcept ValueError:\n    {A}"
    assert "try:1/parallel:1 !ValueError> a" in ways(_graph(bench, body, head))


def test_what_a_step_does_inside_is_none_of_the_graph(bench: Bench) -> None:
    body = """
        async def compute():
            for x in data:
                if x:
                    return await rpc.invoke("users.create", x)
            raise ValueError
        await workflow.do("a", compute)
        await workflow.do("b", lambda: [x for x in data if x])
    """
    assert [node.id for node in _graph(bench, body).nodes] == ["start", "a", "b", "end"]


def test_what_no_run_comes_by_is_marked(bench: Bench) -> None:
    body = f"""
        async def never():
            {A}
        return
        {B}
    """
    graph = _graph(bench, body)
    assert [(node.id, node.unreachable) for node in graph.nodes] == [
        ("start", None), ("return:1", None), ("b", True), ("call:flow.never", True), ("a", True), ("end", None),
    ]  # fmt: skip


def test_ids_are_unique_and_survive_an_edit_elsewhere(bench: Bench) -> None:
    body = f"""
        for x in data:
            if x > 1:
                {A}
            if x < 1:
                {B}
        start = await workflow.do("start", lambda: 1)
        end = await workflow.do("end", lambda: 1)
    """
    graph = _graph(bench, body)
    ids = [node.id for node in graph.nodes]
    assert ids == [
        "start", "loop:data", "loop:data/branch:x-1", "a", "loop:data/branch:x-1:2", "b", "start:2", "end:2", "end",
    ]  # fmt: skip
    moved = _graph(
        bench,
        f"if db:\n    {C}\ntry:\n    {D}\nexcept OSError:\n    return\n{body.strip()}".replace("\n        ", "\n"),
    )
    assert [one.id for one in moved.nodes if one.id in ids] == ids
