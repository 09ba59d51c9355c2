"""PF209: unreachable step."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, ClassVar

from pyflow_inspector.ast_node import child_nodes
from pyflow_inspector.conduct.scope import FUNCTIONS
from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_EXITS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


class UnreachableStep(Rule):
    """A step stands where no run ever comes.

    Code after `return`, `raise`, `break` or `continue`, after a loop that never ends, or under `if False:` does not
    run. The step gets a queue and a worker all the same, and a place in the documentation.

    Delete it, or mend what stands before it.
    """

    code = "PF209"
    name = "unreachable-step"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("order")
            async def order(data: str, *, workflow) -> str:
                while True:
                    if await workflow.do(f"ready-{data}", lambda: True, description="Ask"):
                        break
                try:
                    return await workflow.do("pay", lambda: "paid")
                except ValueError:
                    await workflow.do("refund", lambda: None)
                return await workflow.do("close", lambda: "closed")
            """
        ),
        Example(
            """
            # file: app/closing.py
            async def close(workflow, kind: str) -> str:
                match kind:
                    case "a":
                        return await workflow.do("closeA", lambda: "a")
                    case "b":
                        raise ValueError
                return await workflow.do("close", lambda: "closed")

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.closing import close

            @wire_workflow("order")
            async def order(data: str, *, workflow) -> str:
                def never() -> str:
                    return "done"
                    print("never")
                return await close(workflow, await workflow.do("kind", never))
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("order")
            async def order(data: list[str], *, workflow) -> None:
                for item in data:
                    if item:
                        continue
                    else:
                        raise ValueError
                    await workflow.do("first", lambda: None)
                if False:
                    await workflow.do("second", lambda: None)
                while True:
                    await workflow.do("third", lambda: None)
                await workflow.do("fourth", lambda: None)
            """,
            marks=(
                'workflow.do("first", lambda: None)',
                'workflow.do("second", lambda: None)',
                'workflow.do("fourth", lambda: None)',
            ),
            also=("PF103",),
        ),
        Example(
            """
            # file: app/closing.py
            async def close(workflow, kind: str) -> str:
                match kind:
                    case "a":
                        return "a"
                    case _:
                        return "b"
                return await workflow.do("close", lambda: "closed")

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.closing import close

            @wire_workflow("order")
            async def order(data: str, *, workflow) -> str:
                return await close(workflow, data)
            """,
            marks=('workflow.do("close", lambda: "closed")',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Steps in code that does not run."""
        for conduct in conducts(model):
            for stand in conduct.bodies:
                if stand.step is None and not isinstance(stand.scope.node, ast.Lambda):
                    dead = _Dead(conduct, stand.scope)
                    dead.ends(stand.scope.node.body)
                    for call in dict.fromkeys(_steps(conduct, dead.statements)):
                        span = stand.scope.module.syntax.span(call)
                        yield self.at(span, "no run ever comes here, and so this step never runs", "delete it")


def _steps(conduct: Conduct, statements: Sequence[ast.AST]) -> Iterator[ast.AST]:
    for statement in statements:
        yield from (node for node in ast.walk(statement) if node in conduct.step_calls)


class _Dead:
    """Finds statements that nothing comes to."""

    def __init__(self, conduct: Conduct, scope: Scope) -> None:
        self._conduct = conduct
        self._scope = scope
        self.statements: list[ast.AST] = []

    def ends(self, body: Sequence[ast.stmt]) -> bool:
        """Whether no run comes past these statements."""
        for index, statement in enumerate(body):
            if self._ends(statement):
                self.statements.extend(body[index + 1 :])
                return True
        return False

    def _ends(self, statement: ast.AST) -> bool:
        look = self._LOOKS.get(type(statement))
        return isinstance(statement, _EXITS) or (look is not None and look(self, statement))

    def _loop(self, statement: ast.While | ast.For | ast.AsyncFor) -> bool:
        self.ends(statement.body)
        self.ends(statement.orelse)
        is_endless = isinstance(statement, ast.While) and _truth(statement.test) is True
        return is_endless and not _has_break(statement.body)

    def _with(self, statement: ast.With | ast.AsyncWith) -> bool:
        raises = any(isinstance(part, ast.Raise) for part in ast.walk(statement))
        swallows = raises or any(map(self._suppresses, statement.items))
        return self.ends(statement.body) and not swallows  # what is raised

    def _suppresses(self, item: ast.withitem) -> bool:
        call = item.context_expr
        thing = self._conduct.thing(call.func, self._scope) if isinstance(call, ast.Call) else None
        return thing is not None and thing.dotted == "contextlib.suppress"

    def _if(self, statement: ast.If) -> bool:
        """All branches of a row of `elif`s, in a loop because such rows may be long."""
        all_end = True
        branch = statement
        while True:
            truth = _truth(branch.test)
            if truth is False:
                self.statements.extend(branch.body)
            else:
                all_end = self.ends(branch.body) and all_end
            if truth is True:
                self.statements.extend(branch.orelse)
                return all_end
            following = branch.orelse
            if len(following) != 1 or not isinstance(following[0], ast.If):
                return self.ends(following) and all_end
            branch = following[0]

    def _try(self, statement: ast.Try | ast.TryStar) -> bool:
        body = self.ends(statement.body)
        if body:
            self.statements.extend(statement.orelse)
        else:
            body = self.ends(statement.orelse)
        handlers = [self.ends(handler.body) for handler in statement.handlers]
        last = self.ends(statement.finalbody)
        return last or (body and all(handlers))

    def _match(self, statement: ast.Match) -> bool:
        ends = [self.ends(case.body) for case in statement.cases]
        final = statement.cases[-1]
        catches_all = final.guard is None and isinstance(final.pattern, ast.MatchAs) and final.pattern.pattern is None
        return catches_all and all(ends)

    _LOOKS: ClassVar[dict[type[ast.AST], Callable[[_Dead, Any], bool]]] = {
        ast.If: _if,
        ast.While: _loop,
        ast.For: _loop,
        ast.AsyncFor: _loop,
        ast.With: _with,
        ast.AsyncWith: _with,
        ast.Try: _try,
        ast.TryStar: _try,
        ast.Match: _match,
    }


def _truth(test: ast.expr) -> bool | None:
    """What a condition always is, if that stands there."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    return False if isinstance(test, ast.Name | ast.Attribute) and _is_type_checking(test) else None


def _is_type_checking(test: ast.Name | ast.Attribute) -> bool:
    return (test.id if isinstance(test, ast.Name) else test.attr) == "TYPE_CHECKING"


def _has_break(body: Sequence[ast.stmt]) -> bool:
    """Whether a loop is left by a `break` of its own."""
    stack: list[ast.AST] = [*body]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            stack.extend(node.orelse)
        elif not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            stack.extend(child_nodes(node))
    return False
