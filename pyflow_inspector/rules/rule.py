"""What a rule is."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pyflow_core.metadata import Diagnostic, Fix, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.ignoring import Ignore
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.model import ProjectModel


@dataclass(frozen=True, slots=True)
class Example:
    """A small project that a rule accepts or refuses: one file, or several, each after a line `# file: name`.

    `marks` are the texts that the findings of a refused one point at, in order. `also` are the codes of other rules
    that have something to say of it.
    """

    source: str
    marks: tuple[str, ...] = ()
    services: str | None = None
    also: tuple[str, ...] = ()
    package: str = "pyflow_gen"

    def files(self) -> dict[str, str]:
        """The files of the project, by name; a lone one is `app/example.py`."""
        files: dict[str, str] = {}
        name = "app/example.py"
        for line in inspect.cleandoc(self.source).splitlines():
            if line.startswith("# file: "):
                name = line.removeprefix("# file: ")
                files[name] = ""
            else:
                files[name] = f"{files.get(name, '')}{line}\n"
        return files


class Rule:
    """One kind of finding. The docstring of a subclass is its documentation page.

    A rule sees one unit at a time, trees and all, and cannot know what other units say; a `ProjectRule` can.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    fixes: ClassVar[Literal["safe", "unsafe"] | None] = None
    """Whether `check` can mend what it finds, or some of it."""
    valid: ClassVar[tuple[Example, ...]]
    invalid: ClassVar[tuple[Example, ...]]

    @property
    def docs(self) -> str:
        """The documentation page, in Markdown."""
        return inspect.cleandoc(type(self).__doc__ or "")

    @property
    def summary(self) -> str:
        """The first line of the documentation page."""
        return self.docs.partition("\n")[0]

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Every place of a unit that breaks the rule."""
        raise NotImplementedError

    def at(
        self,
        span: Span,
        message: str,
        advice: str | None = None,
        *,
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> Diagnostic:
        """A finding of this rule; `severity` is for one that is less certain, or less grave, than the others."""
        return Diagnostic(
            self.code,
            self.name,
            severity or self.severity,
            message,
            span.file,
            span.line,
            span.column,
            span.end_line,
            span.end_column,
            advice,
            fix,
        )


class ProjectRule(Rule):
    """A rule about all units together. It judges plain data, since units may come from the cache."""

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:  # noqa: ARG002 - nothing can be said of one unit
        """Nothing."""
        return iter(())

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """Every place of a project that breaks the rule."""
        raise NotImplementedError


class IgnoreRule(Rule):
    """A rule about `# pyflow: ignore[…]` comments, judged when everything else has been found."""

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:  # noqa: ARG002 - nothing can be said of one unit
        """Nothing."""
        return iter(())

    def judge(self, ignore: Ignore, *, is_unused: bool) -> Diagnostic | None:
        """What is wrong with one code in a comment."""
        raise NotImplementedError


class InternalRule(Rule):
    """A rule that no source breaks: pyflow finds something wrong with itself."""

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:  # noqa: ARG002 - nothing can be said of one unit
        """Nothing."""
        return iter(())


def position(span: Span) -> str:
    """`file:line:column`, to name another place in a message."""
    return f"{span.file}:{span.line}:{span.column}"
