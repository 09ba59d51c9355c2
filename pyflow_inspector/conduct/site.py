"""Places in workflow code, and what is known of each without judging it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core.metadata import Span
    from pyflow_inspector.conduct.meaning import Thing
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.vocabulary import Group
    from pyflow_inspector.steps.fact import FoundStep


@dataclass(frozen=True, slots=True)
class Stand:
    """Under which conditions code runs.

    `step` is the step inside whose function it lies. `argument_of` is the step whose arguments it is among: a function
    that is named there is run by that step.
    """

    scope: Scope
    step: FoundStep | None = None
    argument_of: FoundStep | None = None
    in_finally: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """A node of workflow code. `parent` is what it is a part of; for what is entered, the `with` statement."""

    node: ast.AST
    stand: Stand
    parent: ast.AST

    @property
    def scope(self) -> Scope:
        """The function that it lies in."""
        return self.stand.scope

    @property
    def in_step(self) -> bool:
        """Whether a step runs it, so that its result is recorded."""
        return self.stand.step is not None

    @property
    def awaited(self) -> bool:
        """Whether its result is awaited, entered or iterated over asynchronously."""
        return isinstance(self.parent, ast.Await | ast.AsyncWith | ast.AsyncFor)

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.span_of(self.node)

    @property
    def code(self) -> str:
        """How it is written, in as many lines as it was written on."""
        span = self.span
        lines = self.scope.module.syntax.lines[span.line - 1 : span.end_line]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return "\n".join(lines)

    def span_of(self, node: ast.AST) -> Span:
        """Where another node of the same file stands."""
        return self.scope.module.syntax.span(node)


@dataclass(frozen=True, slots=True)
class CallFact:
    """A call in workflow code, or in a function that a step runs (`site.in_step`).

    `thing` is what is called, None if it is not known. `is_outside` says that it is none of the project; `group` what
    it does, if it is well known.
    """

    site: Site
    node: ast.Call
    thing: Thing | None
    is_outside: bool = False
    group: Group | None = None

    @property
    def dotted(self) -> str | None:
        """The absolute name of what is called: `"time.time"`, `"builtins.open"`, `"pathlib.Path.read_text"`."""
        return None if self.thing is None else self.thing.dotted

    def argument(self, index: int, name: str) -> ast.expr | None:
        """What is passed at a position or by a name."""
        named = next((keyword.value for keyword in self.node.keywords if keyword.arg == name), None)
        return self.node.args[index] if named is None and index < len(self.node.args) else named
