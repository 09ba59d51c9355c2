"""Calls that run several steps at once: `asyncio.gather` and its kin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.option import keyword_argument
from pyflow_inspector.project import Symbol
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from pyflow_core.metadata import Join
    from pyflow_inspector.steps.value import Context, Meaning, Value
    from pyflow_inspector.steps.walker import Walker

_WAIT_JOINS: dict[str, Join] = {"FIRST_COMPLETED": "first", "FIRST_EXCEPTION": "first_exception"}
_WAITING = {"asyncio.gather", "asyncio.shield", "asyncio.wait", "asyncio.wait_for"}
_TASK_MAKERS = {"create_task", "ensure_future"}


def group_join(meaning: Meaning, node: cst.Call) -> Join | None:
    """When the group that a call makes is done; nothing if it makes none."""
    match meaning.dotted if isinstance(meaning, Symbol) else None:
        case "asyncio.gather":
            settles = keyword_argument(node, "return_exceptions")
            return "settled" if isinstance(settles, cst.Name) and settles.value == "True" else "all"
        case "asyncio.wait":
            until = dotted_name(keyword_argument(node, "return_when") or node) or ""
            return _WAIT_JOINS.get(until.rpartition(".")[2], "settled")
        case "asyncio.as_completed":
            return "each"
        case _:
            return None


def must_be_awaited(meaning: Meaning) -> bool:
    """Whether it is a function of asyncio that waits for what it is given."""
    return isinstance(meaning, Symbol) and meaning.dotted in _WAITING


def is_task_group(walker: Walker, node: cst.BaseExpression, ctx: Context) -> bool:
    """Whether an expression is `asyncio.TaskGroup()`."""
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Name | cst.Attribute):
        return False
    known = walker.named(node.func, ctx)
    return known is not None and isinstance(known.meaning, Symbol) and known.meaning.dotted == "asyncio.TaskGroup"


def makes_task(node: cst.Call) -> bool:
    """Whether a call starts what it is given, as `create_task` does."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    return isinstance(name, cst.Name) and name.value in _TASK_MAKERS


def hold(walker: Walker, value: Value, mark: int) -> Value:
    """`value` as a name will hold it: with all that was noted since `mark` and nobody has awaited yet."""
    loose = walker.facts.blocks.loose(mark)
    known = set(value.blocks)
    return replace(value, blocks=(*value.blocks, *(one for one in loose if one not in known))) if loose else value
