"""Loops, branches, and which results go where."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench


def test_what_stands_in_a_loop_is_repeated(bench: Bench) -> None:
    body = """
        await workflow.do("before", lambda: 1)
        for item in await workflow.do("items", lambda: [1]):
            await workflow.do(f"for-{item}", "users.create", item)
        else:
            await workflow.do("else", lambda: 1)
        while await workflow.do(f"while-{data}", lambda: 1):
            pass
        async for item in db.all():
            await workflow.do(f"async-{item}", lambda: 1)
        [await workflow.do(f"list-{i}", lambda: 1) for i in data]
        {i: await workflow.do(f"dict-{i}", lambda: 1) for i in data}
    """
    repeated = {step.id: step.repeated for step in bench.steps(body)}
    assert repeated == {
        "before": False, "items": False, "for-*": True, "else": False, "while-*": True, "async-*": True,
        "list-*": True, "dict-*": True,
    }  # fmt: skip


def test_what_stands_in_a_branch_is_optional(bench: Bench) -> None:
    body = """
        if await workflow.do("test", lambda: 1):
            await workflow.do("if", lambda: 1)
        elif await workflow.do("elif-test", lambda: 1):
            await workflow.do("elif", lambda: 1)
        else:
            await workflow.do("else", lambda: 1)
        match data:
            case "x" if await workflow.do("guard", lambda: 1):
                await workflow.do("case", lambda: 1)
        try:
            await workflow.do("try", lambda: 1)
        except ValueError:
            await workflow.do("except", lambda: 1)
        finally:
            await workflow.do("finally", lambda: 1)
        x = await workflow.do("then", lambda: 1) if data else 2
        y = data and await workflow.do("and", lambda: 1)
        with db:
            await workflow.do("with", lambda: 1)
    """
    optional = {step.id: step.optional for step in bench.steps(body)}
    assert [name for name, value in optional.items() if not value] == ["test", "try", "finally", "with"]
    assert len(optional) == 13


def test_a_step_uses_the_steps_whose_results_reach_it(bench: Bench) -> None:
    body = """
        user = await workflow.do("user", lambda: 1)
        other = await workflow.do("other", lambda: 1)
        name = f"{user.first} {user.last}"
        both = [name, other]
        await workflow.do("direct", "users.create", user)
        await workflow.do("through", "users.create", {"name": name.upper()})
        await workflow.do("list", "users.create", both[0])
        await workflow.do("captured", lambda: user.age if other else 0)
        for item in user.items:
            await workflow.do(f"item-{item}", "users.create", item)
        await workflow.do(f"{user}", "users.create", data, retries=other.tries)
        user = data
        await workflow.do("fresh", "users.create", user)
    """
    uses = {step.id: step.uses for step in bench.steps(body)}
    assert uses == {
        "user": (), "other": (), "direct": ("user",), "through": ("user",), "list": ("user", "other"),
        "captured": ("user", "other"), "item-*": ("user",), "*": ("other",), "fresh": (),
    }  # fmt: skip


def test_results_flow_through_tasks_containers_and_helpers(bench: Bench) -> None:
    head = """
        async def load(w):
            raw = await w.do("raw", lambda: 1)
            return raw.text
    """
    body = """
        async with asyncio.TaskGroup() as group:
            task = group.create_task(workflow.do("task", lambda: 1))
        await workflow.do("of-task", "users.create", task.result())
        found = []
        for item in data:
            found.append(await workflow.do(f"each-{item}", "users.create", item))
        await workflow.do("of-list", "users.create", found)
        table = {}
        table["x"] = await workflow.do("cell", lambda: 1)
        await workflow.do("of-table", "users.create", table)
        await workflow.do("of-helper", "users.create", await load(workflow))
        a, b = await asyncio.gather(workflow.do("a", lambda: 1), workflow.do("b", lambda: 2))
        await workflow.do("of-gather", "users.create", b)
        async def compute(): return task.result() + b
        await workflow.do("of-nested", compute)
    """
    uses = {step.id: step.uses for step in bench.steps(body, head=head) if step.id.startswith("of-")}
    assert uses == {
        "of-task": ("task",), "of-list": ("each-*",), "of-table": ("cell",), "of-helper": ("raw",),
        "of-gather": ("b",), "of-nested": ("task", "b"),
    }  # fmt: skip


def test_a_name_set_in_either_branch_holds_both(bench: Bench) -> None:
    body = """
        if data:
            x = await workflow.do("one", lambda: 1)
        else:
            x = await workflow.do("two", lambda: 2)
        await workflow.do("end", "users.create", x)
    """
    assert bench.steps(body)[-1].uses == ("one", "two")


def test_steps_come_in_source_order_with_those_of_helpers_at_the_call(bench: Bench) -> None:
    head = """
        async def last(w): await w.do("helper", lambda: 1)
    """
    body = """
        await workflow.do("first", lambda: 1)
        await last(workflow)
        x = await workflow.do("then", lambda: 1) if await workflow.do("test", lambda: 1) else 0
        await asyncio.gather(*(workflow.do(f"elt-{i}", lambda: 1) for i in await workflow.do("iter", lambda: [])))
    """
    assert [step.id for step in bench.steps(body, head=head)] == ["first", "helper", "then", "test", "elt-*", "iter"]


X = 'await workflow.do("x", lambda: 1)'


@pytest.mark.parametrize(
    "body",
    [
        f"if data:\n    {X}\nelse:\n    {X}",
        f"if data:\n    {X}\n    return\n{X}",
        f"if data:\n    raise ValueError\nelif db:\n    {X}\n    return\n{X}",
        f"match data:\n    case 1:\n        {X}\n    case _:\n        {X}",
        f"y = {X} if data else {X}",
        f"with db:\n    if data:\n        {X}\n        return\n{X}",
        f"try:\n    pass\nexcept KeyError:\n    {X}\nexcept ValueError:\n    {X}",
        f"async def f(): {X}\nif data:\n    await f()\nelse:\n    await f()",
    ],
)
def test_exclusive_branches_may_share_a_name(bench: Bench, body: str) -> None:
    bench.workflow(body)
    assert bench.codes == []


@pytest.mark.parametrize(
    "body",
    [
        f"if data:\n    {X}\n{X}",
        f"if data:\n    {X}\nif db:\n    {X}",
        f"try:\n    {X}\nexcept ValueError:\n    {X}",
        f"if data:\n    return\nelse:\n    {X}\n{X}",
        f'if data:\n    {X}\nelse:\n    await workflow.do("x", "users.create", data)',
        'y = await workflow.do("x", "notify.send", 1) if data else await workflow.do("x", "users.create", 1)',
    ],
)
def test_steps_of_one_run_may_not_share_a_name(bench: Bench, body: str) -> None:
    bench.workflow(body)
    finding = bench.finding("PF102")
    assert bench.text(finding) == '"x"'
    lines = (bench.root / finding.file).read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines, start=1) if '"x"' in line)
    column = lines[first - 1].index('"x"') + 1
    assert (finding.line, finding.column) > (first, column)
    assert f"app/flows.py:{first}:{column}" in finding.message


def test_exclusive_steps_of_one_name_have_ids_of_their_own(bench: Bench) -> None:
    body = """
        if data:
            await workflow.do("x", "users.create", 1)
        else:
            await workflow.do("x", "users.create", 2)
    """
    assert [(step.id, step.step_name, step.worker) for step in bench.steps(body)] == [
        ("x", "x", "FlowX"),
        ("x#2", "x", "FlowX"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "await workflow.do('a', lambda: 1)",
        "x = workflow.do('a', lambda: 1)\nawait x",
        "x = workflow.do('a', lambda: 1)\nasync def f(): await x\nawait f()",
        "asyncio.create_task(workflow.do('a', lambda: 1))",
        "calls = [workflow.do('a', lambda: 1)]\nawait asyncio.gather(*calls)",
        "(await workflow.do('a', lambda: 1)).id",
        "x = await asyncio.wait_for(workflow.do('a', lambda: 1), None)",
        "if data:\n    x = workflow.do('a', lambda: 1)\nelse:\n    x = workflow.do('b', lambda: 1)\nawait x",
    ],
)
def test_a_step_that_someone_awaits_is_fine(bench: Bench, statement: str) -> None:
    bench.workflow(statement)
    assert bench.codes == []


@pytest.mark.parametrize(
    "statement",
    [
        "workflow.do('a', lambda: 1)",
        "x = workflow.do('a', lambda: 1)",
        "x: int = workflow.do('a', lambda: 1)",
        "return workflow.do('a', lambda: 1)",
        "x = workflow.do('a', lambda: 1).id",
        "if data:\n    workflow.do('a', lambda: 1)",
        "do = workflow.do\ndo('a', lambda: 1)",
    ],
)
def test_a_step_that_nobody_awaits_is_reported_with_its_call(bench: Bench, statement: str) -> None:
    bench.workflow(statement)
    assert bench.codes == ["PF203"]
    assert bench.text(bench.finding("PF203")) in {"workflow.do('a', lambda: 1)", "do('a', lambda: 1)"}


def test_an_invocation_that_nobody_awaits_is_reported_in_rpcs_too(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_rpc
        @wire_rpc("a")
        async def a(data: str, *, rpc) -> None:
            rpc.invoke("a", data)
            await rpc.invoke("b", data)
    """
    bench.inspect(source)
    assert bench.codes == ["PF203", "PF201"]


def _uses(bench: Bench, body: str, head: str = "") -> tuple[str, ...]:
    """What reaches the last step, after `a` and `b` have been bound to results of steps of their names."""
    before = "a = await workflow.do('a', lambda: 1)\nb = await workflow.do('b', lambda: 2)\n"
    return bench.steps(before + dedent(body).strip("\n"), head=head)[-1].uses


@pytest.mark.parametrize(
    ("argument", "uses"),
    [
        ("a.user.id", ("a",)),
        ("a['key'].name", ("a",)),
        ("f'{a.name}: {b!r:>{data}}'", ("a", "b")),
        ("'%s-%s' % (data, b)", ("b",)),
        ("{'x': a, **b}", ("a", "b")),
        ("{a: 1}", ("a",)),
        ("[*a, data]", ("a",)),
        ("(a, b)[0]", ("a", "b")),
        ("[x.id for x in a if x.ok]", ("a",)),
        ("{k: v for k, v in b.items()}", ("b",)),
        ("[data for x in data if b]", ("b",)),
        ("a if b else data", ("a", "b")),
        ("a and b", ("a", "b")),
        ("-a + b * 2", ("a", "b")),
        ("not a", ("a",)),
        ("a < b < 3", ("a", "b")),
        ("str(a).upper()", ("a",)),
        ("json.dumps({'x': [a]}, default=b)", ("a", "b")),
        ("(x := a)", ("a",)),
        ("data", ()),
    ],
)
def test_a_result_is_followed_through_an_expression(bench: Bench, argument: str, uses: tuple[str, ...]) -> None:
    assert _uses(bench, f"await workflow.do('c', 'users.create', {argument})", "import json\n") == uses


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("x = a\nx = data", ()),
        ("x = y = a", ("a",)),
        ("x, y = a, b", ("a",)),
        ("(x, y), z = (a, data), b", ("a",)),
        ("x, *y = a", ("a",)),
        ("x = data\nx += b", ("b",)),
        ("x = data\nif data:\n    x = a", ("a",)),
        ("if data:\n    x = a\nelse:\n    x = b", ("a", "b")),
        ("x = a\nif data:\n    x = 1\n    return\n", ("a",)),
        ("match a:\n    case {'k': x}: pass\n    case _: x = 1", ("a",)),
        ("try:\n    x = a\nexcept ValueError:\n    x = b", ("a", "b")),
        ("x = []\nfor i in a:\n    x.append(i)", ("a",)),
        ("x = {}\nx['k'] = b", ("b",)),
        ("x = data\nx.field = b", ("b",)),
        ("with a as x: pass", ("a",)),
        ("x: object = a", ("a",)),
        ("x = pick(a, data)", ("a",)),
        ("x = await make(workflow, b)", ("b", "made")),
        ("async def inner(): return b\nx = await inner()", ("b",)),
        ("x, y = await asyncio.gather(workflow.do('p', lambda: 1), workflow.do('q', lambda: 2))", ("p",)),
        ("r = await asyncio.gather(workflow.do('p', lambda: 1), workflow.do('q', lambda: 2))\ny, x = r", ("q",)),
        ("r = await asyncio.gather(*[workflow.do(f'p{i}', lambda: 1) for i in data])\nx, y = r", ("p*",)),
        ("[x, y] = await asyncio.gather(make(workflow, a), workflow.do('q', lambda: 2))", ("a", "made")),
        ("t = workflow.do('p', lambda: 1)\nx, y = await asyncio.gather(t, workflow.do('q', lambda: 2))", ("p",)),
        ("r = [1]\nr = await asyncio.gather(workflow.do('p', lambda: 1))\nr.append(b)\nx, y = r", ("b", "p")),
    ],
)  # fmt: skip
def test_a_result_is_followed_through_statements(bench: Bench, body: str, uses: tuple[str, ...]) -> None:
    head = """
        def pick(x, y):
            return x or y
        async def make(w, value):
            return await w.do("made", "users.create", 1), value
    """
    assert sorted(_uses(bench, f"{body}\nawait workflow.do('c', 'users.create', x)", head)) == sorted(uses)


def test_the_results_of_tasks_are_told_apart(bench: Bench) -> None:
    body = """
        async with asyncio.TaskGroup() as group:
            p = group.create_task(workflow.do("p", lambda: 1))
            q = group.create_task(workflow.do("q", lambda: 1))
        await workflow.do("c", "users.create", p.result())
    """
    assert bench.steps(body)[-1].uses == ("p",)
