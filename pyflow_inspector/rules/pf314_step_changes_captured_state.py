"""PF314: step changes captured state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.conduct.change import Change, find_changes
from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel


class StepChangesCapturedState(Rule):
    """The function of a step changes a variable of the workflow.

    A step that is done is not called again on a replay: its result is taken from the record, and nothing else of what
    it did comes back. A list that it has filled is empty then, a counter stands at zero, and the workflow decides
    otherwise than it did.

    Return what the step finds, and change the variable in the workflow:

        found = await workflow.do("search", search)
        results.extend(found)
    """

    code = "PF314"
    name = "step-changes-captured-state"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("search")
            async def search(data: list[str], *, workflow, cache) -> list[str]:
                found = []
                def look() -> list[str]:
                    local = []
                    local.append(data[0])
                    cache.update(local)
                    return local
                found.extend(await workflow.do("look", look))
                return found
            """
        ),
        Example(
            """
            # file: app/total.py
            def add_up(items: list[int]) -> dict[str, int]:
                sums = {"count": 0}
                for item in items:
                    sums["count"] += item
                return sums

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.total import add_up

            @wire_workflow("total")
            async def total(data: list[int], *, workflow) -> int:
                counts = []
                def note(value: int) -> None:
                    counts.append(value)
                sums = await workflow.do("sums", partial(add_up, data))
                note(sums["count"])
                return counts[0]
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("search")
            async def search(data: list[str], *, workflow) -> list[str]:
                found = []
                tries = 0
                seen = {}
                async def look() -> None:
                    nonlocal tries
                    tries += 1
                    seen[data[0]] = True
                await workflow.do("look", look)
                await workflow.do("note", lambda: found.append(data[0]))
                return found
            """,
            marks=("tries", "seen", "found"),
        ),
        Example(
            """
            # file: app/steps.py
            async def collect(workflow, names: list[str]) -> list[str]:
                collected: list[str] = []
                await workflow.do("collect", lambda: collected.extend(names))
                return collected

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.steps import collect

            @wire_workflow("search")
            async def search(data: list[str], *, workflow) -> list[str]:
                return await collect(workflow, data)
            """,
            marks=("collected",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Changes that step functions make to names of the functions around them."""
        for conduct in conducts(model):
            inside = {stand.scope for stand in conduct.bodies if stand.step is not None}
            for scope in inside:
                for change in find_changes(scope):
                    if _is_captured(conduct, change, scope, inside):
                        name = change.name.id
                        yield self.at(
                            scope.module.syntax.span(change.name),
                            f"{name} is changed inside a step, and a replay that has the step's result changes nothing",
                            f"return the new value from the step, and change {name} in the workflow",
                        )


def _is_captured(conduct: Conduct, change: Change, scope: Scope, inside: set[Scope]) -> bool:
    found = scope.find(change.name.id)
    if found is None or found[0] in inside or found[0] is scope:
        return False
    if conduct.service(change.name, scope) is not None:
        return False
    return not change.by_call or conduct.meaning.is_container(change.name, scope)
