"""PF101: dynamic step name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.steps.fact import FoundStep


_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")
_BETWEEN_WORDS = re.compile(r"[\W\d_]+")


class DynamicStepName(Rule):
    """The name of a step is known at run time only, and nothing describes the step.

    The documentation and the list of runs show a step by its description, or else by its name. A name that is put
    together at run time leaves both with a pattern such as `item-*`, or with nothing at all.

    Dynamic names are fine, as long as they are the same on every replay: give such a step a `description`.
    """

    code = "PF101"
    name = "dynamic-step-name"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"item-{item}", lambda: None, description="Handle one item")
            """
        ),
        Example(
            """
            from typing import Final
            from pyflow_core import wire_workflow

            PREFIX: Final = "order"

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(f"{PREFIX}-open", lambda: None)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(data, lambda: None)
            """,
            marks=("data",),
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"item-{item}", lambda: None)
            """,
            marks=('f"item-{item}"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Steps without a literal name and without a description."""
        for workflow in model.workflows:
            for step in workflow.facts.steps:
                if step.name is None and step.description is None and step.name_node is not None:
                    yield self.at(
                        step.module.syntax.span(step.name_node),
                        "step name is dynamic and will not appear in generated documentation",
                        f"add a description, so that runs stay readable:\n{_described(step)}",
                    )


def _described(step: FoundStep) -> str:
    """The call as it would be with a description."""
    code = " ".join(step.module.syntax.code(step.call).split())
    return f'await {code.removesuffix(")").rstrip(" ,")}, description="{_description(step)}")'


def _description(step: FoundStep) -> str:
    """What the step is about, in words: those of its name, or else those of what it runs."""
    function = step.form.function
    told = (
        _words(step.pattern or ""),
        _rpc_words(step.form.rpc_name or ""),
        _words("" if function is None else function.label.rpartition(".")[2].rpartition(":")[2]),
    )
    words = next((words for words in told if words), ["what", "this", "step", "does"])
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _words(name: str) -> list[str]:
    """`"sendMail-*"` as `["send", "mail"]`; single letters, as in `"x-*"`, tell nothing."""
    found = [] if name.startswith("<") else _BETWEEN_WORDS.split(_HUMP.sub(" ", name))
    return [word if word.isupper() and len(word) > 1 else word.lower() for word in found if len(word) > 1]


def _rpc_words(name: str) -> list[str]:
    """`"users.create"` as `["create", "users"]`."""
    owner, _, verb = name.rpartition(".")
    return [*_words(verb), *_words(owner)]
