"""PF208: late-bound variable."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.ast_node import child_nodes
from pyflow_inspector.conduct.scope import FUNCTIONS, body_of, own_nodes
from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Function, Scope
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

Loop = ast.For | ast.AsyncFor | ast.While | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MAY_REPEAT = (*_LOOPS, ast.ClassDef)  # in a class, what may repeat is not among the nodes of its function
_WAITS = (ast.Await, ast.AsyncWith, ast.AsyncFor)
_COLLECTS = frozenset({"append", "add", "insert", "appendleft", "create_task", "ensure_future", "setdefault"})
_UNROLLS = frozenset({"list", "tuple", "set", "dict"})


class LateBoundVariable(Rule):
    """Steps are collected in a loop, and their functions use its variable.

    A Python function looks a variable up when it is called. Steps that are collected first and awaited after the loop
    call their functions when the loop is over: each of them sees the last item.

    Bind the value early, with `functools.partial`:

        calls = [workflow.do(f"pack-{item.id}", partial(pack, item)) for item in items]
        await asyncio.gather(*calls)

    A step that is awaited inside of the loop, before the next turn, is fine.
    """

    code = "PF208"
    name = "late-bound-variable"
    severity = "error"
    valid = (
        Example(
            """
            import asyncio
            from functools import partial

            from pyflow_core import wire_workflow

            def pack(item: str) -> str:
                return item.upper()

            @wire_workflow("pack")
            async def pack_all(data: list[str], *, workflow) -> None:
                for item in data:
                    await workflow.do(f"one-{item}", lambda: pack(item), description="Pack")
                calls = [workflow.do(f"all-{item}", partial(pack, item), description="Pack") for item in data]
                calls.append(workflow.do("last", lambda: data[-1]))
                calls.extend(workflow.do(f"x-{i}", lambda i=i: i, description="Count") for i in range(3))
                await asyncio.gather(*calls)
            """
        ),
        Example(
            """
            # file: app/batch.py
            async def pack_batch(workflow, batch: list[str]) -> list[int]:
                return [await workflow.do(f"pack-{item}", lambda: len(item), description="Pack") for item in batch]

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.batch import pack_batch

            @wire_workflow("pack")
            async def pack_all(data: list[str], *, workflow) -> None:
                await pack_batch(workflow, data)
                await workflow.do("make", lambda: [lambda: item for item in data][0]())
            """
        ),
    )
    invalid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("pack")
            async def pack_all(data: list[str], *, workflow) -> None:
                await asyncio.gather(*(workflow.do(f"a-{item}", lambda: item, description="Pack") for item in data))
                calls = []
                for item in data:
                    label = item.title()
                    def pack() -> str:
                        return label
                    calls.append(workflow.do(f"b-{item}", lambda: item.upper(), description="Pack"))
                    calls.append(workflow.do(f"c-{item}", pack, description="Pack"))
                await asyncio.gather(*calls)
            """,
            marks=("item", "label", "item"),
        ),
        Example(
            """
            # file: app/batch.py
            import asyncio

            async def pack_batch(workflow, batch: list[str]) -> None:
                async with asyncio.TaskGroup() as group:
                    for item in batch:
                        group.create_task(workflow.do(f"pack-{item}", lambda: len(item), description="Pack"))

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.batch import pack_batch

            @wire_workflow("pack")
            async def pack_all(data: list[str], *, workflow) -> None:
                await pack_batch(workflow, data)
            """,
            marks=("item",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Variables of a loop in the functions of steps that it collects."""
        for conduct in conducts(model):
            for stand in conduct.bodies:
                if stand.step is None:
                    for late in _find(conduct, stand.scope):
                        name = late.id
                        yield self.at(
                            stand.scope.module.syntax.span(late),
                            f"{name} is looked up when the loop is over: all these steps see its last value",
                            f"bind it early: functools.partial(function, {name}) in place of a function that uses it",
                        )


def _find(conduct: Conduct, scope: Scope) -> Iterator[ast.Name]:
    if not any(isinstance(node, _MAY_REPEAT) for node in scope.nodes):
        return
    stack: list[tuple[ast.AST, ast.AST, Loop | None]] = [(part, scope.node, None) for part in body_of(scope.node)]
    varying: dict[ast.AST, set[str]] = {}
    while stack:
        node, parent, loop = stack.pop()
        if loop is not None and node in conduct.step_calls and isinstance(node, ast.Call):
            if loop not in varying:
                varying[loop] = _varying(loop)
            if varying[loop] and _is_collected(node, parent, loop):
                yield from _late_names(node, loop, varying[loop], scope)
        children = () if isinstance(node, FUNCTIONS) else child_nodes(node)
        if children:
            inside = node if isinstance(node, _LOOPS) and not _is_lazy(node, parent) else loop
            stack += [(part, node, inside) for part in children]


def _is_lazy(node: ast.AST, parent: ast.AST) -> bool:
    """Whether a generator makes its steps one by one, as somebody asks for them."""
    if not isinstance(node, ast.GeneratorExp):
        return False
    unrolled = isinstance(parent, ast.Call) and (
        getattr(parent.func, "id", None) in _UNROLLS or getattr(parent.func, "attr", None) == "extend"
    )
    return not (isinstance(parent, ast.Starred) or unrolled)


def _is_collected(call: ast.Call, parent: ast.AST, loop: Loop) -> bool:
    """Whether a step, which is a part of `parent`, is kept until its loop is over."""
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "attr", None) in _COLLECTS
    return parent is loop and call in _elements(loop)


def _elements(loop: Loop) -> Sequence[ast.AST]:
    match loop:
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return (loop.elt,)
        case ast.DictComp():
            return (loop.value,)
        case _:
            return ()


def _parts(loop: Loop) -> Iterator[ast.AST]:
    """What runs in each turn of a loop, without functions that are made there."""
    stack: list[ast.AST] = [*loop.body] if isinstance(loop, ast.For | ast.AsyncFor | ast.While) else [*_elements(loop)]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            stack.extend(child_nodes(node))


def _varying(loop: Loop) -> set[str]:
    """The names that a loop binds anew in each turn: its targets, and what is made of those.

    None of a loop that waits, since it may await its steps in time.
    """
    names: set[str] = set()
    if any(isinstance(part, _WAITS) for part in _parts(loop)):
        return names
    if isinstance(loop, ast.For | ast.AsyncFor):
        names |= _stored(loop.target)
    elif not isinstance(loop, ast.While):
        for clause in loop.generators:
            names |= _stored(clause.target)
    assigned = sorted(
        (part for part in _parts(loop) if isinstance(part, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For)),
        key=lambda part: part.lineno,
    )
    for part in assigned:
        if isinstance(part, ast.AugAssign):
            names |= _stored(part.target)
        elif isinstance(part, ast.Assign):
            names |= set().union(*map(_stored, part.targets)) if _loaded(part.value) & names else set()
        elif isinstance(part, ast.For) or (part.value is not None and _loaded(part.value) & names):
            names |= _stored(part.target)
    return names


def _stored(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _loaded(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}


def _late_names(call: ast.Call, loop: Loop, varying: set[str], scope: Scope) -> Iterator[ast.Name]:
    """The first use of each varying name in the function of a step."""
    for argument in call.args[1:2]:
        function = _function(argument, loop, scope)
        if function is None:
            continue
        own = _parameters(function) | {name for part in own_nodes(function) for name in _bound(part)}
        seen: set[str] = set()
        uses = (part for body in body_of(function) for part in ast.walk(body) if isinstance(part, ast.Name))
        for use in sorted(uses, key=lambda part: (part.lineno, part.col_offset)):
            if use.id in varying and use.id not in own and use.id not in seen:
                seen.add(use.id)
                yield use


def _function(node: ast.AST, loop: Loop, scope: Scope) -> Function | None:
    """A lambda, or a function that is made in each turn of the loop."""
    if isinstance(node, ast.Lambda):
        return node
    found = scope.only(node.id) if isinstance(node, ast.Name) else None
    if found is None or found[1].how != "function":
        return None
    function = found[1].node
    return function if isinstance(function, FUNCTIONS) and any(part is function for part in _parts(loop)) else None


def _parameters(function: Function) -> set[str]:
    return {part.arg for part in ast.walk(function.args) if isinstance(part, ast.arg)}


def _bound(node: ast.AST) -> set[str]:
    return {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()
