"""PF105: ambiguous step pattern."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.model import ProjectModel, WiredFunction
    from pyflow_inspector.steps.fact import FoundStep

MAX_LENGTH = 200
"""No step name is longer."""


class AmbiguousStepPattern(Rule):
    """Two patterns of one workflow match the same names equally well.

    A step whose name is known at run time only belongs to the pattern with the most literal text that matches it.
    Of two patterns with equally much, the first in the alphabet is taken: the step may go to the queue of the other
    one, and be shown as it.

    Begin the names of each kind of step with a word of its own, or put their parts in the same order.
    """

    code = "PF105"
    name = "ambiguous-step-pattern"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"pack-{item}", lambda: None, description="Pack an item")
                    await workflow.do(f"send-{item}", lambda: None, description="Send an item")
            """
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"pack-{item}", lambda: None, description="Pack an item")
                    await workflow.do(f"pack-gift-{item}", lambda: None, description="Pack it as a gift")
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"pack-{item}", lambda: None, description="Pack an item")
                    await workflow.do(f"{item}-sent", lambda: None, description="Send an item")
            """,
            marks=('f"{item}-sent"',),
        ),
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("mail.send")
            async def send(data: str) -> None: ...

            @wire_workflow("newsletter")
            async def newsletter(data: list[str], *, workflow) -> None:
                for region in data:
                    for name in data:
                        await workflow.do(f"mail-{region}-{name}", "mail.send", name, description="To one")
                    await workflow.do(f"mail--{region}", "mail.send", region, description="To all of a region")
            """,
            marks=('f"mail--{region}"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Pairs of patterns of one workflow."""
        for workflow in model.workflows:
            for first, second in combinations(_first_of_each_pattern(workflow), 2):
                shared = _shared_name(str(first.pattern), str(second.pattern))
                if _literal_length(first) == _literal_length(second) and shared is not None:
                    message = (
                        f"{shared!r} would match this pattern, {second.pattern!r}, "
                        f"as well as {first.pattern!r} at {position(_span(first))}"
                    )
                    yield self.at(_span(second), message, "begin the names of each kind of step with a word of its own")


def _first_of_each_pattern(workflow: WiredFunction) -> list[FoundStep]:
    found: dict[str, FoundStep] = {}
    for step in sorted(workflow.facts.steps, key=lambda step: step.order):
        if step.name is None and step.pattern is not None and len(step.pattern) <= MAX_LENGTH:
            found.setdefault(step.pattern, step)
    return list(found.values())


def _span(step: FoundStep) -> Span:
    return step.module.syntax.span(step.name_node or step.call)


def _literal_length(step: FoundStep) -> int:
    return len(str(step.pattern).replace("*", ""))


def _shared_name(one: str, other: str) -> str | None:
    """A name that both patterns match, if there is any: each `*` stands for any text, also for none."""

    @cache
    def shortest(i: int, j: int) -> str | None:
        if i == len(one) and j == len(other):
            return ""
        ways: list[tuple[str, int, int]] = []
        left = one[i] if i < len(one) else ""
        right = other[j] if j < len(other) else ""
        if left == "*":
            ways += [("", i + 1, j), *([(right, i, j + 1)] if right not in ("", "*") else [])]
        if right == "*":
            ways += [("", i, j + 1), *([(left, i + 1, j)] if left not in ("", "*") else [])]
        if left == right and left not in ("", "*"):
            ways.append((left, i + 1, j + 1))
        found = [text + rest for text, x, y in ways if (rest := shortest(x, y)) is not None]
        return min(found, key=lambda text: (len(text), text), default=None)

    return shortest(0, 0)
