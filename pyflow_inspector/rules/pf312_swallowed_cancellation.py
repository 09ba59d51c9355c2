"""PF312: swallowed cancellation."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_core.metadata import Span
from pyflow_inspector.ast_node import child_nodes
from pyflow_inspector.conduct.scope import FUNCTIONS
from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import Site
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_CANCELS = frozenset({"builtins.BaseException", "asyncio.CancelledError", "asyncio.exceptions.CancelledError"})
_LEAVES = (ast.Return, ast.Break, ast.Continue)


class SwallowedCancellation(Rule):
    """Workflow code catches a cancellation and lets it end there.

    Cancelling a run raises `asyncio.CancelledError` where the workflow waits. If it leaves the function, the run ends
    as cancelled; if it is swallowed, the run goes on and ends as completed, as if nobody had asked. A bare `except:`
    and `except BaseException` also catch what ends an execution that has lost its run to another worker.

    Catch `Exception`. To undo something when the run is cancelled, catch `asyncio.CancelledError`, make the steps,
    and end with `raise`. `return`, `break` or `continue` in `finally` swallow it too.

    Waiting for a task that the workflow itself has cancelled is no case.
    """

    code = "PF312"
    name = "swallowed-cancellation"
    severity = "warning"
    valid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("book")
            async def book(data: str, *, workflow) -> None:
                try:
                    await workflow.do("reserve", lambda: 1)
                except asyncio.CancelledError:
                    await workflow.do("release", lambda: 2)
                    raise
                except Exception:
                    await workflow.do("note", lambda: 3)
                task = asyncio.create_task(workflow.do("watch", lambda: 4))
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    pass
            """
        ),
        Example(
            """
            # file: app/parse.py
            def parse(text: str) -> int:
                try:
                    return int(text)
                except:
                    return 0

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.parse import parse

            @wire_workflow("book")
            async def book(data: str, *, workflow) -> None:
                async def ask() -> int:
                    try:
                        return await fetch()
                    except BaseException:
                        return 0
                async def fetch() -> int:
                    return 1
                await workflow.do("ask", ask)
                number = parse(data)
                await workflow.do("store", lambda: number)
            """
        ),
    )
    invalid = (
        Example(
            """
            from asyncio import CancelledError

            from pyflow_core import wire_workflow

            @wire_workflow("book")
            async def book(data: str, *, workflow) -> None:
                try:
                    await workflow.do("reserve", lambda: 1)
                except (ValueError, CancelledError):
                    await workflow.do("release", lambda: 2)
                try:
                    await workflow.do("pay", lambda: 3)
                except BaseException:
                    pass
            """,
            marks=("(ValueError, CancelledError)", "BaseException"),
        ),
        Example(
            """
            # file: app/retry.py
            import contextlib

            async def calm(step):
                with contextlib.suppress(BaseException):
                    await step

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.retry import calm

            @wire_workflow("book")
            async def book(data: str, *, workflow) -> None:
                await calm(workflow.do("reserve", lambda: 1))
            """,
            marks=("contextlib.suppress(BaseException)",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Handlers, `suppress` and exits from `finally` that end a cancellation."""
        for conduct in conducts(model):
            for site in conduct.sites(ast.Try):
                assert isinstance(site.node, ast.Try)
                yield from self._try(conduct, site, site.node)
            for site in conduct.sites(ast.With):
                assert isinstance(site.node, ast.With)
                yield from self._suppress(conduct, site, site.node)

    def _try(self, conduct: Conduct, site: Site, node: ast.Try) -> Iterator[Diagnostic]:
        if not _waits(node.body) or _waits_for_cancelled(site, node.body):
            return
        for handler in node.handlers:
            if not _catches(conduct, site, handler.type):
                continue
            if not any(isinstance(part, ast.Raise) for part in _own(handler.body)):
                yield self._finding(site, handler.type or handler)
            break  # what it has caught reaches no later handler
        for part in _own(node.finalbody):
            if isinstance(part, ast.Return):
                yield self._finding(site, part)

    def _suppress(self, conduct: Conduct, site: Site, node: ast.With) -> Iterator[Diagnostic]:
        for item in node.items:
            call = item.context_expr
            if not isinstance(call, ast.Call) or not _waits(node.body) or _waits_for_cancelled(site, node.body):
                continue
            thing = conduct.thing(call.func, site.scope)
            is_suppress = thing is not None and thing.dotted == "contextlib.suppress"
            if is_suppress and any(_catches(conduct, site, arg) for arg in call.args):
                yield self._finding(site, call)

    def _finding(self, site: Site, node: ast.expr | ast.stmt | ast.ExceptHandler) -> Diagnostic:
        span = site.span_of(node) if isinstance(node, ast.expr | ast.stmt) else _keyword(site, node)
        return self.at(
            span,
            "a cancellation ends here: the run would go on, and end as completed",
            "catch Exception, or end with `raise`",
        )


def _keyword(site: Site, handler: ast.ExceptHandler) -> Span:
    """Where the word `except` stands of a handler that names nothing."""
    whole = site.span_of(handler.body[0])
    column = handler.col_offset + 1
    return Span(whole.file, handler.lineno, column, handler.lineno, column + len("except"))


def _catches(conduct: Conduct, site: Site, node: ast.expr | None) -> bool:
    if node is None:
        return True
    names = node.elts if isinstance(node, ast.Tuple) else [node]
    things = (conduct.thing(name, site.scope) for name in names)
    return any(thing is not None and thing.dotted in _CANCELS for thing in things)


def _own(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Everything in some statements but what lies inside functions in them."""
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            stack.extend(child_nodes(node))


def _waits(body: Sequence[ast.AST]) -> bool:
    return any(isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor) for node in _own(body))


def _waits_for_cancelled(site: Site, body: Sequence[ast.AST]) -> bool:
    """Whether all that is awaited are tasks that the same function cancels."""
    awaited = [node.value for node in _own(body) if isinstance(node, ast.Await)]
    cancelled = {
        node.func.value.id
        for node in site.scope.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "cancel"
        and isinstance(node.func.value, ast.Name)
    }
    return bool(awaited) and all(isinstance(node, ast.Name) and node.id in cancelled for node in awaited)
