"""A unit in two parts: what all units must say to be judged together, and what only the metadata shows.

Rules about a whole project see outlines alone, also where everything has just been read, so that what they find cannot
depend on what was kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyflow_core.metadata import Graph, StepMeta

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_inspector.unit import UnitReport

_NO_GRAPH = Graph()
_PASSING = ("PF903", "PF904")
"""Findings about a reading that went wrong, and that may go well next time."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a workflow does."""

    steps: tuple[StepMeta, ...]
    graph: Graph


@dataclass(frozen=True, slots=True)
class Flows:
    """Those of a unit, in the order of its workflows."""

    all: tuple[Flow, ...]


class OutlinedUnit:
    """A unit; in `outline` its workflows have no steps and no graph."""

    def __init__(self, outline: UnitReport, load: Callable[[], Flows]) -> None:
        self.outline = outline
        self._load = load

    @property
    def flows(self) -> Flows:
        """What its workflows do.

        Raises:
            NotPlainError: it was kept, and something else is there now.
        """
        return self._load()

    @property
    def is_lasting(self) -> bool:
        """Whether reading the same source again would give the same."""
        return not any(finding.code in _PASSING for finding in self.outline.findings)


def outlined(report: UnitReport) -> OutlinedUnit:
    """The two parts of a report."""
    flows = Flows(tuple(Flow(fact.meta.steps, fact.meta.graph) for fact in report.workflows))
    bare = tuple(replace(fact, meta=replace(fact.meta, steps=(), graph=_NO_GRAPH)) for fact in report.workflows)
    return OutlinedUnit(replace(report, workflows=bare), lambda: flows)
