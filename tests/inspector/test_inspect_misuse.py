"""A result that is used before anyone awaited it, told from a task that is handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

@dataclass
class User:
    name: str
    job: Any = None
    wait: Awaitable[str] | None = None

class Own:
    def __init__(self, name: str) -> None: ...

def shout(text: str) -> str:
    return text

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
    ],
)
def test_a_task_that_is_taken_for_a_result_is_found(bench: Bench, use: str) -> None:
    bench.workflow(f"task = {CALL}\n{use}", head=HEAD)
    assert bench.text(bench.finding("PF203")) == CALL


@pytest.mark.parametrize(
    "use",
    ["CALL.name", "(CALL)[0]", "f'{CALL}'", "CALL + CALL2", "shout(CALL)", "if CALL:\n    pass", "for x in CALL: pass"],
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
    ],
)
def test_a_task_that_is_handed_on_is_fine(bench: Bench, use: str) -> None:
    lines = [f"task = task0 = {CALL}", 'task2 = workflow.do("c", lambda: 1)', use, "keep(task2)"]
    bench.workflow("\n".join(lines), head=HEAD)
    assert "PF203" not in bench.codes
