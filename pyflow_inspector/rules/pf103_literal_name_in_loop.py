"""PF103: literal name in loop."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel, WiredFunction
    from pyflow_inspector.steps.fact import FoundStep
    from pyflow_inspector.syntax import Syntax

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_EXITS = (ast.Return, ast.Raise, ast.Break)


class LiteralNameInLoop(Rule):
    """A step in a loop has the same name each time.

    A name may be used once in a run, because it is the key under which the result is kept. The second turn of the
    loop is refused, and the run is blocked.

    Put what tells the items apart into the name, such as an id; not a position in a list that may change between
    two replays. A loop that waits for something counts its turns: `f"poll-{attempt}"`.

    A loop counts if it is in sight: around the step, or around the call of the helper that makes it. A turn that
    always leaves the loop after the step is no turn.
    """

    code = "PF103"
    name = "literal-name-in-loop"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"pack-{item}", lambda: None, description="Pack one item")
            """
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> str:
                for item in data:
                    if item.startswith("express"):
                        return await workflow.do("express", lambda: "courier")
                return await workflow.do("standard", lambda: "post")
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do("pack", lambda: None)
                while not await workflow.do("isPaid", lambda: True):
                    pass
            """,
            marks=('"pack"', '"isPaid"'),
        ),
        Example(
            """
            import asyncio
            from pyflow_core import WorkflowContext, wire_workflow

            async def pack(workflow: WorkflowContext, item: str) -> None:
                await workflow.do("pack", lambda: None)

            @wire_workflow("orders")
            async def orders(data: list[str], *, workflow) -> None:
                await asyncio.gather(*(pack(workflow, item) for item in data))
            """,
            marks=('"pack"',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Steps with a literal name that are repeated."""
        for workflow in model.workflows:
            for step in workflow.facts.steps:
                if step.name is not None and step.repeated and step.name_node is not None:
                    found = self._judge(workflow, step)
                    if found is not None:
                        yield found

    def _judge(self, workflow: WiredFunction, step: FoundStep) -> Diagnostic | None:
        syntax = step.module.syntax
        turns = _turns(syntax, syntax.twin(step.call))
        if turns is None:
            return None
        if not turns and not _is_called_in_loop(workflow, step):
            return None  # code that is not followed calls it, perhaps once
        assert step.name_node is not None
        return self.at(
            syntax.span(step.name_node),
            f"step {step.name!r} may be reached again under the same name, which a run refuses",
            f'put what tells the turns apart into the name: f"{step.name}-{{item.id}}"',
        )


def _is_called_in_loop(workflow: WiredFunction, step: FoundStep) -> bool:
    """Whether the helper that makes the step is called in a loop of the workflow's function."""
    if len(step.order) < 2:
        return False
    syntax = workflow.module.syntax
    for node in ast.walk(syntax.twin(workflow.node)):
        if isinstance(node, ast.Call):
            span = syntax.span(node)
            if (span.line, span.column) == step.order[0] and _turns(syntax, node):
                return True
    return False


def _turns(syntax: Syntax, wanted: ast.AST) -> bool | None:
    """Whether code is run again by a loop of its own function; nothing if a loop around it always ends after it."""
    path = _path_to(syntax.abstract, wanted)
    repeated = False
    for node, child in zip(reversed(path[:-1]), reversed(path), strict=False):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            break
        if isinstance(node, _COMPREHENSIONS):
            repeated = repeated or child is not node.generators[0]
        elif isinstance(node, _LOOPS) and _is_in_turn(node, child):
            if _ends(node.body, path):
                return None
            repeated = True
    return repeated


def _is_in_turn(loop: ast.For | ast.AsyncFor | ast.While, child: ast.AST) -> bool:
    return child in loop.body or (isinstance(loop, ast.While) and child is loop.test)


def _ends(body: list[ast.stmt], path: list[ast.AST]) -> bool:
    """Whether what follows in the same turn leaves the loop. What a `try` catches may lead to another turn."""
    inside = path[next((index for index, node in enumerate(path) if node in body), len(path)) :]
    if any(isinstance(node, ast.Try) for node in inside):
        return False
    blocks = [body, *(block for node in inside if isinstance(node, ast.If) for block in (node.body, node.orelse))]
    for block in blocks:
        start = next((index for index, one in enumerate(block) if one in inside), None)
        if start is not None and any(isinstance(one, _EXITS) for one in block[start:]):
            return True
    return False


def _path_to(root: ast.AST, wanted: ast.AST) -> list[ast.AST]:
    parents: dict[ast.AST, ast.AST] = {}
    stack = [root]
    while stack and wanted not in parents:
        node = stack.pop()
        for child in ast.iter_child_nodes(node):
            parents[child] = node
            stack.append(child)
    path = [wanted]
    while path[-1] in parents:
        path.append(parents[path[-1]])
    return path[::-1]
