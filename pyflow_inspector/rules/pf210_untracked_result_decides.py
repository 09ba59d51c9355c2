"""PF210: untracked result decides."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.ast_node import child_nodes
from pyflow_inspector.conduct.scope import FUNCTIONS
from pyflow_inspector.conduct.taint import Untracked
from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_EXITS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


class UntrackedResultDecides(Rule):
    """The result of a bare `rpc.invoke` decides which steps are made, or goes into one.

    A bare invocation is not recorded: each replay calls the RPC again and may get another answer. Returning it or
    logging it does no harm. If it decides a branch or a loop with steps in it, a replay may ask for other steps than
    the record holds, and the run is blocked. If it is the input of a step, the replay asks for the step with another
    input.

    Make it a step, whose result is kept:

        settings = await workflow.do("settings", "settings.get")
        settings = await workflow.do("settings", lambda: rpc.invoke("settings.get"))
    """

    code = "PF210"
    name = "untracked-result-decides"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("settings.get")
            async def get_settings() -> dict[str, int]:
                return {}

            @wire_workflow("order")
            async def order(data: str, *, workflow, rpc, logger) -> dict[str, int]:
                kept = await workflow.do("settings", lambda: rpc.invoke("settings.get"))
                if kept:
                    await workflow.do("pay", lambda: None)
                bare = await rpc.invoke("settings.get")
                if bare:
                    logger.info("%s", bare)
                return bare
            """
        ),
        Example(
            """
            # file: app/settings.py
            from pyflow_core import wire_rpc

            @wire_rpc("settings.get")
            async def get_settings() -> dict[str, int]:
                return {}

            async def load(rpc) -> dict[str, int]:
                return await rpc.invoke("settings.get")

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.settings import load

            @wire_workflow("order")
            async def order(data: str, *, workflow, rpc) -> dict[str, int]:
                kept = await workflow.do("settings", lambda: load(rpc))
                for name in kept:
                    await workflow.do(f"apply-{name}", lambda: None, description="Apply")
                return kept
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("settings.get")
            async def get_settings() -> dict[str, str]:
                return {}

            @wire_rpc("mail.send")
            async def send(data: str) -> None: ...

            @wire_workflow("order")
            async def order(data: str, *, workflow, rpc) -> None:
                settings = await rpc.invoke("settings.get")
                if settings["closed"]:
                    return
                channels = settings["channels"].split()
                for channel in channels:
                    await workflow.do(f"note-{channel}", lambda: None, description="Note")
                await workflow.do("mail", "mail.send", settings["sender"])
            """,
            marks=('settings["closed"]', "channels", 'f"note-{channel}"', 'settings["sender"]'),
        ),
        Example(
            """
            # file: app/settings.py
            from pyflow_core import wire_rpc

            @wire_rpc("settings.get")
            async def get_settings() -> dict[str, int]:
                return {}

            async def is_open(rpc) -> bool:
                settings = await rpc.invoke("settings.get")
                return settings["open"] > 0

            async def ship(workflow, *, now: bool) -> None:
                if now:
                    await workflow.do("ship", lambda: None)

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.settings import is_open, ship

            @wire_workflow("order")
            async def order(data: str, *, workflow, rpc) -> None:
                await ship(workflow, now=await is_open(rpc))
            """,
            marks=("now",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Decisions about steps, and inputs of steps, that rest on a bare invocation."""
        for conduct in conducts(model):
            if not conduct.invokes:
                continue
            untracked = Untracked(conduct)
            for stand in conduct.bodies:
                if stand.step is None:
                    yield from self._body(conduct, untracked, stand.scope)

    def _body(self, conduct: Conduct, untracked: Untracked, scope: Scope) -> Iterator[Diagnostic]:
        span = scope.module.syntax.span
        for decided, node in _decisions(scope):
            if untracked.is_in(decided, scope) and _makes_steps(conduct, _region(node, decided, scope)):
                text = "this comes from a bare rpc.invoke, which a replay asks again, and decides about steps"
                yield self.at(span(decided), text, 'make it a step: workflow.do("name", lambda: rpc.invoke(...))')
        for node in scope.nodes:
            if isinstance(node, ast.Call) and node in conduct.step_calls:
                for part in _inputs(node):
                    if untracked.is_in(part, scope):
                        text = "this comes from a bare rpc.invoke, which a replay asks again, and goes into a step"
                        yield self.at(span(part), text, 'make it a step: workflow.do("name", lambda: rpc.invoke(...))')


def _inputs(call: ast.Call) -> list[ast.expr]:
    """The name and the data of a step; functions are called once, and their result is kept."""
    return [arg for arg in call.args[:3] if not isinstance(arg, ast.Lambda | ast.Starred)]


_DECIDING = {
    ast.If, ast.While, ast.IfExp, ast.For, ast.AsyncFor, ast.Match, ast.BoolOp,
    ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp,
}  # fmt: skip


def _decisions(scope: Scope) -> Iterator[tuple[ast.expr, ast.AST]]:
    """What decides, and what it is a part of."""
    for node in scope.nodes:
        if type(node) not in _DECIDING:
            continue
        match node:
            case ast.If() | ast.While() | ast.IfExp():
                yield node.test, node
            case ast.For() | ast.AsyncFor():
                yield node.iter, node
            case ast.Match():
                yield node.subject, node
            case ast.BoolOp():
                yield from ((value, node) for value in node.values[:-1])
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                yield from ((part, node) for clause in node.generators for part in (clause.iter, *clause.ifs))
            case _:
                pass


def _region(node: ast.AST, decided: ast.expr, scope: Scope) -> list[ast.AST]:
    """The code about which it is decided; after a branch that leaves, what follows too."""
    inside = [part for part in child_nodes(node) if part is not decided]
    if isinstance(node, ast.If) and any(isinstance(part, _EXITS) for part in _own(inside)):
        inside.extend(_after(scope, node))
    return inside


def _after(scope: Scope, node: ast.stmt) -> Iterator[ast.AST]:
    """The statements of a function that begin after another one has ended, and so may be left out by it."""
    end = node.end_lineno or node.lineno
    return (part for part in scope.nodes if isinstance(part, ast.stmt) and part.lineno > end)


def _own(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            stack.extend(child_nodes(node))


def _makes_steps(conduct: Conduct, region: Sequence[ast.AST]) -> bool:
    return any(node in conduct.step_calls or node in conduct.helpers for node in _own(region))
