"""PF316: as_completed over coroutines."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_COPIES = frozenset({"list", "tuple", "set", "frozenset"})


class AsCompletedOverCoroutines(Rule):
    """`asyncio.as_completed` is given coroutines.

    It makes a set of them, and a coroutine's place in a set is its address in memory: each replay starts them in
    another order. pyflow cannot cure that, and so it refuses it: the run is blocked.

    Give it steps, or tasks, which pyflow gives the same order on each replay:

        tasks = [asyncio.create_task(handle(item)) for item in items]
        for task in asyncio.as_completed(tasks):
            print(await task)
    """

    code = "PF316"
    name = "as-completed-over-coroutines"
    severity = "error"
    valid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("race")
            async def race(data: list[str], *, workflow) -> None:
                async def handle(name: str) -> str:
                    return await workflow.do(f"handle-{name}", lambda: name, description="Handle")
                tasks = [asyncio.create_task(handle(name)) for name in data]
                for done in asyncio.as_completed(tasks):
                    await done
                for done in asyncio.as_completed([workflow.do("a", lambda: 1), workflow.do("b", lambda: 2)]):
                    await done
            """
        ),
        Example(
            """
            # file: app/race.py
            import asyncio

            async def one() -> int:
                return 1

            async def first() -> int:
                for done in asyncio.as_completed([one(), one()]):
                    return await done
                return 0

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.race import first

            @wire_workflow("race")
            async def race(data: str, *, workflow) -> int:
                return await workflow.do("first", first)
            """
        ),
    )
    invalid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("race")
            async def race(data: list[str], *, workflow) -> None:
                async def handle(name: str) -> str:
                    return await workflow.do(f"handle-{name}", lambda: name, description="Handle")
                for done in asyncio.as_completed([handle(name) for name in data]):
                    await done
            """,
            marks=("handle(name)",),
        ),
        Example(
            """
            # file: app/handling.py
            from asyncio import as_completed

            async def handle(workflow, name: str) -> str:
                return await workflow.do(f"handle-{name}", lambda: name, description="Handle")

            async def handle_both(workflow) -> None:
                calls = [handle(workflow, "a"), handle(workflow, "b")]
                for done in as_completed(calls):
                    await done

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.handling import handle_both

            @wire_workflow("race")
            async def race(data: str, *, workflow) -> None:
                await handle_both(workflow)
            """,
            marks=('handle(workflow, "a")', 'handle(workflow, "b")'),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Coroutines among what `as_completed` is given."""
        for conduct in conducts(model):
            for call in conduct.calls:
                if call.dotted != "asyncio.as_completed" or call.site.in_step or not call.node.args:
                    continue
                for node in _elements(call.node.args[0], call.site.scope):
                    if _is_coroutine(conduct, node, call.site.scope):
                        yield self.at(
                            call.site.span_of(node),
                            "as_completed starts coroutines in another order on each replay, and is refused",
                            "make it a task: asyncio.create_task(...)",
                        )


def _elements(node: ast.AST, scope: Scope, links: int = 6) -> Iterator[ast.expr]:
    """The expressions that a collection is made of."""
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            yield from node.elts
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            yield node.elt
        case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _COPIES and links:
            yield from _elements(inner, scope, links - 1)
        case ast.Name() if links:
            found = scope.only(node.id)
            if found is not None and found[0] is scope and found[1].how == "value" and found[1].node is not None:
                yield from _elements(found[1].node, scope, links - 1)
        case _:
            pass


def _is_coroutine(conduct: Conduct, node: ast.expr, scope: Scope) -> bool:
    if not isinstance(node, ast.Call) or node in conduct.step_calls:
        return False
    if node in conduct.invokes or node in conduct.helpers:
        return True
    thing = conduct.thing(node.func, scope)
    return thing is not None and thing.symbol.function is not None and thing.symbol.function.asynchronous is not None
