"""PF311: foreign await."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.conduct.vocabulary import find_group
from pyflow_inspector.rules.call_rule import CallRule, conducts, in_a_step
from pyflow_inspector.rules.rule import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_HARMLESS = frozenset({"asyncio", "builtins", "contextlib", "pyflow_core", "functools", "typing", "collections"})
"""Packages whose awaitables a workflow can wait for, unless the vocabulary says otherwise of a name."""


class ForeignAwait(CallRule):
    """Workflow code awaits something that comes neither from pyflow nor from the project.

    A workflow runs on a loop of its own, which waits for steps, for `rpc.invoke`, and for what asyncio builds on those:
    tasks, `gather`, task groups, queues, locks, events. It has no I/O. An asynchronous function of another package
    most likely does I/O; it is refused at run time, and the run is blocked. Since it may as well do none, this is a
    warning.

    Starting another event loop (`asyncio.run`, `run_until_complete`) inside a workflow always fails, and is an error.

    Await it in a step: `await workflow.do("profile", lambda: client.fetch_profile(user_id))`.
    """

    code = "PF311"
    name = "foreign-await"
    severity = "warning"
    kind = "loop"
    step = "fetch"
    because = "the run cannot wait for it"
    valid = (
        Example(
            """
            import asyncio

            from crm_client import fetch_profile
            from pyflow_core import wire_workflow

            @wire_workflow("greet")
            async def greet(data: str, *, workflow) -> None:
                done = asyncio.Event()
                async def announce() -> None:
                    await done.wait()
                    await workflow.do("announce", lambda: None)
                task = asyncio.create_task(announce())
                profile = await workflow.do("profile", lambda: fetch_profile(data))
                done.set()
                await task
            """
        ),
        Example(
            """
            # file: app/both.py
            import asyncio

            async def both(one, other):
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one), group.create_task(other)]
                return [task.result() for task in tasks]

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.both import both

            @wire_workflow("greet")
            async def greet(data: str, *, workflow) -> None:
                await both(workflow.do("first", lambda: 1), workflow.do("second", lambda: 2))
            """
        ),
    )
    invalid = (
        Example(
            """
            from crm_client import fetch_profile, open_session
            from pyflow_core import wire_workflow

            @wire_workflow("greet")
            async def greet(data: str, *, workflow) -> None:
                profile = await fetch_profile(data)
                async with open_session(data) as session:
                    await workflow.do("greet", lambda: profile)
            """,
            marks=("fetch_profile(data)", "open_session(data)"),
        ),
        Example(
            """
            # file: app/search.py
            from search_engine import Engine

            ENGINE = Engine("books")

            async def search(text: str) -> list[str]:
                return await ENGINE.find(text)

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.search import search

            @wire_workflow("suggest")
            async def suggest(data: str, *, workflow) -> None:
                for title in await search(data):
                    await workflow.do(f"mail-{title}", lambda: None, description="Mail")
            """,
            marks=("ENGINE.find(text)",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Other loops, and awaited calls of functions from other packages."""
        yield from super().check(model)
        for conduct in conducts(model):
            for call in conduct.calls:
                if not call.site.in_step and call.site.awaited and _is_foreign(conduct, call):
                    yield self.at(
                        call.site.span,
                        f"{call.dotted} comes from another package: if it does I/O it is refused, and blocks the run",
                        f"await it in a step: {in_a_step(call, self.step)}",
                    )


def _is_foreign(conduct: Conduct, call: CallFact) -> bool:
    """Whether a call leaves the project; what is given a step or a helper may combine those."""
    if call.thing is None or not call.is_outside or any(map(find_group, _prefixes(call.thing.dotted))):
        return False
    top = call.thing.symbol.module.partition(".")[0]
    if top in _HARMLESS or conduct.service(call.node.func, call.site.scope) is not None:
        return False
    inside = (part for value in (*call.node.args, *(k.value for k in call.node.keywords)) for part in ast.walk(value))
    return not any(part in conduct.step_calls or part in conduct.helpers or _is_handle(part) for part in inside)


def _prefixes(dotted: str) -> Iterator[str]:
    """A name and what it is an attribute of, of which another rule may have spoken."""
    while dotted:
        yield dotted
        dotted = dotted.rpartition(".")[0]


def _is_handle(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"workflow", "rpc"}
