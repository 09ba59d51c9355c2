"""PF309: mutable global."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.conduct.change import find_changes
from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_ADVICE = "pass it as an argument, keep it in a variable of the workflow, or let a step read or write it"


class MutableGlobal(Rule):
    """Workflow code uses a variable of a module that changes.

    All runs of a process share the variables of modules, and another process has its own. What one run leaves there,
    another one finds; a replay finds what later runs have left, or in a new process nothing at all. So the replay goes
    another way than the record.

    Keep what belongs to a run in variables of its function: they are restored by the replay. What has to be shared
    belongs in a database, which steps read and write. Constants may be read freely: what is found is what a function
    changes.
    """

    code = "PF309"
    name = "mutable-global"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            RATES = {"EU": 20, "US": 8}

            @wire_workflow("price")
            async def price(data: str, *, workflow) -> dict[str, int]:
                seen = {}
                seen[data] = RATES[data]
                await workflow.do("store", lambda: None)
                return seen
            """
        ),
        Example(
            """
            # file: app/cache.py
            CACHE = {}

            def load(key: str) -> str:
                if key not in CACHE:
                    CACHE[key] = key.upper()
                return CACHE[key]

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.cache import load

            @wire_workflow("look-up")
            async def look_up(data: str, *, workflow) -> str:
                return await workflow.do("load", lambda: load(data))
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            SEEN = []
            count = 0

            @wire_workflow("count")
            async def count_up(data: str, *, workflow) -> int:
                global count
                count += 1
                SEEN.append(data)
                return await workflow.do("note", lambda: 1)
            """,
            marks=("count", "SEEN"),
        ),
        Example(
            """
            # file: app/state.py
            CURRENT = {}

            def remember(key: str, value: str) -> None:
                CURRENT[key] = value

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.state import CURRENT

            @wire_workflow("ship")
            async def ship(data: str, *, workflow) -> str:
                if data in CURRENT:
                    return "done"
                return await workflow.do("ship", lambda: "shipped")
            """,
            marks=("CURRENT",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Writes in workflow code, and reads of what some function writes."""
        for conduct in conducts(model):
            written: set[ast.AST] = set()
            for stand in conduct.bodies:
                for change in find_changes(stand.scope) if stand.step is None else ():
                    symbol = conduct.meaning.global_name(change.name.id, stand.scope)
                    certain = not change.by_call or conduct.meaning.is_container(change.name, stand.scope)
                    if symbol is not None and certain:
                        written.add(change.name)
                        text = f"{symbol.name} belongs to its module, and what is written there no replay restores"
                        yield self.at(stand.scope.module.syntax.span(change.name), text, _ADVICE)
            yield from self._reads(conduct, written)

    def _reads(self, conduct: Conduct, written: set[ast.AST]) -> Iterator[Diagnostic]:
        harmless: set[tuple[Scope, str]] = set()
        for site in conduct.sites(ast.Name):
            node = site.node
            assert isinstance(node, ast.Name)
            name = site.scope, node.id
            if name in harmless or not isinstance(node.ctx, ast.Load) or node in written:
                continue
            symbol = conduct.meaning.global_name(node.id, site.scope)
            if symbol is None or not conduct.meaning.is_changed(symbol):
                harmless.add(name)
                continue
            text = f"{symbol.name} belongs to its module and is changed by functions: a replay finds another value"
            yield self.at(site.span, text, _ADVICE)
