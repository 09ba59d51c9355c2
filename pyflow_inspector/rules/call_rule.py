"""What the rules about well-known calls have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyflow_inspector.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Severity
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.conduct.vocabulary import Kind
    from pyflow_inspector.model import ProjectModel

MAX_SHOWN = 60
"""Longer code is not repeated in advice."""

EFFECTS = frozenset({"file", "network", "thread"})
"""What another rule says of `finally`."""


def conducts(model: ProjectModel) -> Iterator[Conduct]:
    """What the code of each workflow does."""
    return (workflow.facts.conduct for workflow in model.workflows if workflow.facts.conduct is not None)


def shown_name(call: CallFact) -> str:
    """The absolute name of what is called, as people know it."""
    return (call.dotted or "this").removeprefix("builtins.")


def in_a_step(call: CallFact, name: str) -> str:
    """How the same call looks as a step."""
    code = call.site.code
    shown = code if len(code) <= MAX_SHOWN and "\n" not in code else f"{shown_name(call)}(...)"
    blocks = call.group is not None and call.group.blocks
    return f'await workflow.do("{name}", lambda: {shown}{", thread=True" if blocks else ""})'


class CallRule(Rule):
    """A rule about calls of names that `conduct.vocabulary` knows.

    What pyflow refuses at run time is an error; the rest is a warning, because it depends on what becomes of it.
    """

    kind: ClassVar[Kind]
    step: ClassVar[str]
    """The name of the step in the advice."""
    because: ClassVar[str]
    """What goes wrong with a call that is not refused."""

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Such calls in workflow code, outside of step functions."""
        for conduct in conducts(model):
            for call in conduct.calls:
                if call.group is not None and call.group.kind == self.kind and self.applies(call):
                    yield self.finding(call)

    def applies(self, call: CallFact) -> bool:
        """Whether a call is a case for this rule."""
        site = call.site
        return not (site.in_step or (site.stand.in_finally and self.kind in EFFECTS))

    def finding(self, call: CallFact) -> Diagnostic:
        """What is said of a call."""
        assert call.group is not None
        text = f"{shown_name(call)} {call.group.does}"
        if call.group.refused:
            text = f"{text}, which is refused in workflow code and blocks the run"
        else:
            text = f"{text}: {self.because}"
        severity: Severity = "error" if call.group.refused else "warning"
        return self.at(call.site.span, text, self.advice(call), severity=severity)

    def advice(self, call: CallFact) -> str:
        """What to do instead."""
        return f"let a step do it, whose result is kept for replay: {in_a_step(call, self.step)}"
