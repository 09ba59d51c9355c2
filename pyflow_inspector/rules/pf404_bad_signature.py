"""PF404: bad signature."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_core.metadata import Edit, Fix, Span
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel, WiredFunction

_BUILT_IN = {"workflow", "rpc", "logger", "step"}


class BadSignature(Rule):
    """A wired function takes what pyflow could not give it.

    The first parameter is the data; there is one or none. Everything else is a service and stands after a `*`,
    because it is injected by name. `*args` and `**kwargs` could not be filled, and a generator gives no result.
    Such a function is refused when a worker starts.

    Where the first parameter is called `workflow` or `rpc`, a `*` is missing before it. `workflow` and `rpc` are found
    by their names: a parameter that is one of them by its annotation or its use must be called so.

    A parameter `data` after the `*` is a service of that name, which is hardly meant: a warning.
    """

    code = "PF404"
    name = "bad-signature"
    severity = "error"
    fixes = "unsafe"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(data: str, *, db, limit: int = 3) -> None: ...

            @wire_rpc("users.count")
            async def count(*, db) -> int:
                return 0

            @wire_workflow("sign-up")
            async def sign_up(email: str, /, *, workflow, rpc, logger) -> None: ...
            """
        ),
        Example(
            """
            from pyflow_core import wire_rpc

            def fill(function): ...

            @wire_rpc("users.create")
            @fill
            async def create(data: str, db) -> None: ...
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(email: str, region: str) -> None: ...

            @wire_rpc("users.rename")
            async def rename(data: str, *names: str, **more: str) -> None: ...

            @wire_workflow("sign-up")
            async def sign_up(data: str, workflow, rpc) -> None: ...

            @wire_workflow("tick")
            async def tick(workflow: str) -> None: ...
            """,
            marks=("region: str", "names: str", "more: str", "workflow", "workflow: str"),
        ),
        Example(
            """
            from pyflow_core import WorkflowContext, wire_workflow

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, wf) -> None:
                await wf.do("a", lambda: 1)

            @wire_workflow("tick")
            async def tick(*, context: WorkflowContext) -> None:
                await context.do("a", lambda: 1)
            """,
            marks=("wf", "context: WorkflowContext"),
        ),
        Example(
            """
            from collections.abc import AsyncIterator
            from pyflow_core import wire_rpc

            @wire_rpc("users.each")
            async def each(data: str) -> AsyncIterator[str]:
                for letter in data:
                    yield letter
            """,
            marks=("each",),
            also=("PF503",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Parameters that cannot be filled, and generators."""
        for wired in model.functions:
            node = wired.module.syntax.twin(wired.node)
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if wired.is_as_written:
                yield from self._parameters(wired, node)
                yield from self._renamed(wired)
                yield from self._generator(wired, node)

    def _parameters(self, wired: WiredFunction, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Diagnostic]:
        span = wired.module.syntax.span
        args = node.args
        positional = [*args.posonlyargs, *args.args]
        if positional and positional[0].arg in _BUILT_IN:
            first = positional[0]
            text = f"{first.arg!r} is the data here, because it stands before a `*`"
            yield self.at(span(first), text, "write `*` before it", fix=_star_before(wired, node, first))
        elif len(positional) > 1:
            second = positional[1]
            text = f"{second.arg!r} can be given by position, and only the data is"
            advice = "write `*` before services; put several values into one model"
            yield self.at(span(second), text, advice, fix=_star_before(wired, node, second))
        if args.vararg is not None:
            text = f"`*{args.vararg.arg}` cannot be filled"
            yield self.at(span(args.vararg), text, "take one parameter of data, say a model or a list")
        if args.kwarg is not None:
            text = f"`**{args.kwarg.arg}` cannot be filled"
            yield self.at(span(args.kwarg), text, "name each service after a `*`")
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            if arg.arg == "data" and default is None and not positional:
                text = "`data` after a `*` is a service of that name"
                yield self.at(span(arg), text, "write it first, before the `*`", severity="warning")

    def _renamed(self, wired: WiredFunction) -> Iterator[Diagnostic]:
        """`workflow` or `rpc` under a name by which it is not injected."""
        keywords = wired.node.params.kwonly_params
        for one in wired.facts.renamed:
            if one.place.node in keywords:
                text = f"{one.name!r} is `{one.owner}` under another name, and would not be injected"
                yield self.at(one.place.module.syntax.span(one.place.node), text, f"call it `{one.owner}`")

    def _generator(self, wired: WiredFunction, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Diagnostic]:
        from pyflow_inspector.conduct.scope import make_scope

        if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in make_scope(wired.module, node).nodes):
            text = f"{node.name!r} is a generator, which gives no result"
            advice = "return a list, or make a step for each item"
            yield self.at(wired.module.syntax.function_name_span(wired.node), text, advice)


def _star_before(wired: WiredFunction, node: ast.FunctionDef | ast.AsyncFunctionDef, arg: ast.arg) -> Fix | None:
    """Not where there is a `*` or a `/` already; unsafe, since callers may give the parameter by position."""
    args = node.args
    later = [*args.args][args.args.index(arg) :] if arg in args.args else []
    if not later or args.posonlyargs or args.vararg is not None or args.kwonlyargs:
        return None
    if any(one.arg not in _BUILT_IN for one in later):
        return None  # it may be meant as data
    span = wired.module.syntax.span(arg)
    place = Span(span.file, span.line, span.column, span.line, span.column)
    return Fix("write `*` before it", safe=False, edits=(Edit(place, "*, "),))
