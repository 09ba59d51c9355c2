"""A result that is used before anyone awaited it, told from a task that is handed on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """
import json
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

@dataclass
class User:
    name: str
    job: Any = None
    wait: Awaitable[str] | None = None

class Own:
    def __init__(self, name: str) -> None: ...

LIMIT = 3

def shout(text: str) -> str:
    return text

def greet(text: str) -> None: ...

def wrapped(text: str) -> str: ...

def keep(job) -> None: ...

def run(job: Awaitable[str]) -> None: ...
"""
CALL = 'workflow.do("a", "users.create", data)'


@pytest.mark.parametrize(
    "use",
    [
        "task.name",
        "task[0]",
        "{}[task]",
        'f"{task}"',
        "task + 1",
        "-task",
        "task < 1",
        "1 if task else 2",
        "not task",
        "task and 1",
        "len(task)",
        "shout(task)",
        "shout(text=task)",
        "User(task)",
        "User(name=task)",
        'await workflow.do("b", "users.create", task)',
        'await rpc.invoke("users.create", task)',
        'await workflow.do("b", lambda: task.name)',
        "if task:\n    pass",
        "if data:\n    pass\nelif task:\n    pass",
        "while task:\n    pass",
        "assert task",
        "for x in task:\n    pass",
        "match task:\n    case 1: pass",
        "return task",
        "return [task]",
        'return {"task": (1, task)}',
        "found = []\nfound.append(task)\nreturn found",
        "found: list[str] = []\nfound.append(task)",
        "found: dict[str, str] = {}\nfound[data] = task",
        'found = {}\nfound[data] = task\nawait workflow.do("b", "users.create", found)',
        '", ".join(task)',
        'task == "done"',
        'task in ("done", "lost")',
        "task != LIMIT",
        "int(task if data else 1)",
        "(other := task) > 1",
        "return task if data else None",
        "return task or None",
        "other = task\nprint(other.name)",
        "[one for one in task]",
        "Decimal(task)",
        "json.dumps(task)",
        'await workflow.do("b", lambda task=task: task)',
        'await workflow.do("b", partial(max, 1, task))',
        "stack.push_async_callback(greet, task)",
        'await asyncio.gather(*(workflow.do(f"b-{one}", lambda: 1) for one in task))',
        "found = [task]\nprint(sum(found))",
        "found = [task]\nfound[0].name",
        "found = [task]\nfor number, one in enumerate(found):\n    print(one.name)",
        "found = [task]\nfor _ in found:\n    pass",
        'found = [task]\nawait workflow.do("b", lambda: max(found))',
        'await workflow.do("b", "users.create", {"one": [task]})',
        "shout(*[], text=wrapped(task))",
    ],
)
def test_a_task_that_is_taken_for_a_result_is_found(bench: Bench, use: str) -> None:
    bench.workflow(f"task = {CALL}\n{use}", head=HEAD)
    assert bench.text(bench.finding("PF203")) == CALL


@pytest.mark.parametrize(
    "use",
    [
        "sum([CALL])",
        "sum(CALL for one in data)",
        '", ".join([CALL])',
        "if (x := CALL) > 1:\n    print(x)",
        "return [CALL for one in data]",
        "return {one: CALL for one in data}",
        'await workflow.do("b", "users.create", [CALL for one in data])',
        "x = [CALL for one in data]\nprint(max(x))",
        "x = [CALL for one in data]\nprint([one.name for one in x])",
        'x = [CALL for one in data]\nfor n, one in enumerate(x):\n    await workflow.do(f"b-{n}", "users.create", one)',
        "x = [CALL for one in data]",
        "return 1 and CALL",
        "CALL.name",
        "(CALL)[0]",
        "f'{CALL}'",
        "CALL + CALL2",
        "shout(CALL)",
        "if CALL:\n    pass",
        "for x in CALL: pass",
    ],
)
def test_so_is_a_call_that_is_taken_for_a_result(bench: Bench, use: str) -> None:
    bench.workflow(use.replace("CALL2", "1").replace("CALL", CALL), head=HEAD)
    assert bench.text(bench.finding("PF203")) == CALL


@pytest.mark.parametrize(
    "use",
    [
        "await task",
        "x = await task\nprint(x.name)",
        "await asyncio.gather(task, task2)",
        "await asyncio.gather(*[task, task2])",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(task)",
        "if task:\n    await task",
        "if task is not None:\n    await asyncio.wait_for(task, 1)",
        "later = task\nawait later",
        "task.close()",
        "keep(task)",
        "run(task)",
        "User(data, task)",
        "User(data, wait=task)",
        "Own(task)",
        "found = []\nfound.append(task)\nawait asyncio.gather(*found)",
        "found = []\nfound.append(task)\nfor one in found:\n    await one",
        "found: list[Awaitable[str]] = []\nfound.append(task)\nawait asyncio.gather(*found)",
        "found = {}\nfound[data] = task\nawait asyncio.gather(*found.values())",
        "task = 1\nprint(task + 1)\nawait task0",
        "other = task\nprint(task == other)\nawait other",
        "print(task in [task2])\nawait task",
        "for n, one in enumerate([task]):\n    print(f'{n}')\n    keep(one)",
        "found = [one for one in [task]]\nfor one in found:\n    await one",
        "found = [task]\nprint(len(found))\nawait asyncio.gather(*found)",
        "found = {'a': task}\nfor name, one in found.items():\n    print(f'{name}', await one)",
        "found = [task]\nprint([await one for one in found])",
        "found = [task]\nawait found[0]",
        "found = [task]\ndone, rest = await asyncio.wait(set(found))\nprint(len(found), max(found))",
        'await workflow.do("b", lambda task: task)\nkeep(task)',
        "stack.push_async_callback(keep, task)",
        "async def inner():\n    await task\nawait inner()",
        "async def inner(job):\n    return await job\nawait inner(task)",
        "_ = task\nawait task",
        "previous = None\nfor one in data:\n    if previous is not None:\n        await previous\n    previous = task",
    ],
)
def test_a_task_that_is_handed_on_is_fine(bench: Bench, use: str) -> None:
    lines = [f"task = task0 = {CALL}", 'task2 = workflow.do("c", lambda: 1)', use, "keep(task2)"]
    bench.workflow("\n".join(lines), head=HEAD)
    assert "PF203" not in bench.codes


GENERATORS = """
async def numbers(workflow, names):
    for name in names:
        yield workflow.do(f"n-{name}", lambda: 1)

def tasks(workflow, names):
    for name in names:
        yield workflow.do(f"t-{name}", lambda: 1)

def both(workflow):
    yield from tasks(workflow, "ab")
"""


@pytest.mark.parametrize(
    ("use", "lost"),
    [
        ("async for one in numbers(workflow, data):\n    await one", False),
        ("await asyncio.gather(*tasks(workflow, data))", False),
        ("for one in both(workflow):\n    await one", False),
        ("for one in list(tasks(workflow, data)):\n    await one", False),
        ("async for _ in numbers(workflow, data):\n    pass", True),
        ("return max([one['value'] async for one in numbers(workflow, data)])", True),
        ("for one in both(workflow):\n    print(one.name)", True),
    ],
)
def test_what_a_generator_yields_is_awaited_where_it_comes_out(bench: Bench, use: str, lost: bool) -> None:
    bench.workflow(use, head=GENERATORS)
    assert ("PF203" in bench.codes) is lost
    if lost:
        assert bench.text(bench.finding("PF203")).startswith("workflow.do(")


HELPERS = """
class Desk:
    def __init__(self, workflow):
        self.flow = workflow

    def __call__(self, name):
        return self.flow.do(name, lambda: 1)

    def ask(self, name):
        later = self(name)
        return later

def ask(workflow, name):
    return workflow.do(name, lambda: 1)

async def twice(workflow):
    return [ask(workflow, "one"), ask(workflow, "two")]

async def wrong(workflow) -> list[str]:
    return [workflow.do(name, lambda: 1) for name in "ab"]
"""


@pytest.mark.parametrize(
    ("use", "lost"),
    [
        ('await ask(workflow, "a")', []),
        ('await asyncio.gather(ask(workflow, "a"), Desk(workflow).ask("b"))', []),
        ("for one in await twice(workflow):\n    await one", []),
        ('jobs = [ask(workflow, name) for name in ("a", "b")]\nawait asyncio.gather(*jobs)', []),
        ('ask(workflow, "a")', ['ask(workflow, "a")']),
        ('await ask(workflow, "a")\nask(workflow, "b")', ['ask(workflow, "b")']),
        ('desk = Desk(workflow)\ndesk("a")\nawait desk("b")', ['desk("a")']),
        ('desk = Desk(workflow)\nx = desk.ask("a")\nprint(x.name)', ['desk.ask("a")']),
        ('step = lambda name: workflow.do(name, lambda: 1)\nstep("a")\nawait step("b")', ['step("a")']),
        ("await wrong(workflow)", ["workflow.do(name, lambda: 1)"]),
    ],
)
def test_what_a_helper_hands_back_is_awaited_by_its_caller(bench: Bench, use: str, lost: list[str]) -> None:
    bench.workflow(use, head=HELPERS)
    assert [bench.text(one) for one in bench.metadata.diagnostics if one.code == "PF203"] == lost


@pytest.mark.parametrize(
    ("use", "lost"),
    [
        (f"asyncio.gather({CALL})", True),
        (f"results = asyncio.gather({CALL})\nprint(max(results))", True),
        (f"first, second = asyncio.gather({CALL}, task)", True),
        (f"asyncio.shield({CALL})", True),
        (f"x = asyncio.wait_for({CALL}, 3)\nprint(x.name)", True),
        (f"return asyncio.gather({CALL})", True),
        (f"done, rest = asyncio.wait({{{CALL}}})", True),
        (f"await asyncio.gather({CALL})", False),
        (f"first, second = await asyncio.gather({CALL}, task)", False),
        (f"both = asyncio.gather({CALL})\nboth.add_done_callback(print)\nprint(both.done())\nawait both", False),
        (f"both = asyncio.gather({CALL})\nboth.cancel()", False),
        (f"await asyncio.gather(asyncio.shield({CALL}), asyncio.gather(task))", False),
        (f"for one in asyncio.as_completed([{CALL}]):\n    await one", False),
        (f"def all_of():\n    return asyncio.gather({CALL})\nawait all_of()", False),
        ("async def fetch():\n    job = asyncio.gather()\n    job.cancel()\nawait workflow.do('f', fetch)", False),
    ],
)
def test_what_waits_for_several_must_be_awaited_itself(bench: Bench, use: str, lost: bool) -> None:
    bench.workflow(f'task = workflow.do("b", lambda: 1)\nkeep(task)\n{use}', head=HEAD)
    assert ("PF203" in bench.codes) is lost
    if lost:
        assert bench.text(bench.finding("PF203")).startswith("asyncio.")


def test_what_is_awaited_in_the_end_is_no_finding() -> None:
    """Calls that are kept in lists, mappings, objects and over the turns of a loop, in many ways."""
    root = Path(__file__).parent / "projects" / "awaited"
    metadata = inspect_project(InspectorSettings(root=root, source=root, name="awaited"))
    assert [workflow.name for workflow in metadata.workflows] == [
        "five", "four", "helpers", "objects", "one", "tasks", "three", "two"
    ]  # fmt: skip
    assert [(one.file, one.line) for one in metadata.diagnostics if one.code == "PF203"] == []
