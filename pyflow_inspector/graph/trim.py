"""Which blocks a graph shows.

Steps and bare invocations always. A return or raise, and so every branch, loop and try around it, because it decides
whether what follows is done; but not the return that ends a function anyway. A helper only if it makes steps: one that
merely computes is an expression. A break, a continue and a recursive call only inside what is shown for another reason.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_inspector.steps.block import Arm, Block, BlockKind


class Weight(IntEnum):
    """How much a block matters to what is around it."""

    NOTHING = 0
    TURN = 1
    EXIT = 2
    STEP = 3


_LEAVES: dict[BlockKind, Weight] = {
    "step": Weight.STEP,
    "invoke": Weight.STEP,
    "return": Weight.EXIT,
    "raise": Weight.EXIT,
    "break": Weight.TURN,
    "continue": Weight.TURN,
}
_LEAST: dict[BlockKind, Weight] = {"call": Weight.STEP, "parallel": Weight.STEP}
"""How much must be inside, for a block to be shown at all."""


def trim(block: Block) -> Weight:
    """Take out of `block` what is not shown; how much the rest matters."""
    if block.kind in _LEAVES:
        return _LEAVES[block.kind]
    if not block.arms:
        return Weight.TURN if block.kind == "call" else Weight.NOTHING
    weights = [_trim_arm(arm) for arm in block.arms]
    if block.kind == "loop" and weights[0] == Weight.TURN:
        weights[0] = Weight.NOTHING  # a turn in its body is the loop's own, one in its `else` that of another
    weight = max(weights)
    if block.kind in ("function", "call"):
        _drop_last_return(block)
    return weight if weight >= _LEAST.get(block.kind, Weight.TURN) else Weight.NOTHING


def _trim_arm(arm: Arm) -> Weight:
    weight = Weight.NOTHING
    for items in (arm.before, arm.items):
        weights = [(item, trim(item)) for item in items]
        items[:] = [item for item, one in weights if one]
        weight = max(weight, *(one for _, one in weights), Weight.NOTHING)
    return weight


def _drop_last_return(block: Block) -> None:
    """The return with which a function ends. What nobody calls stands behind it."""
    items = block.arms[0].items
    last = next((item for item in reversed(items) if not item.detached), None)
    if last is not None and last.kind == "return":
        items.remove(last)
