"""PF208: late-bound variable."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyflow_core.metadata import Edit, Fix, Span
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
    from pyflow_inspector.syntax import Syntax

Loop = ast.For | ast.AsyncFor | ast.While | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MAY_REPEAT = (*_LOOPS, ast.ClassDef)  # in a class, what may repeat is not among the nodes of its function
_WAITS = (ast.Await, ast.AsyncWith, ast.AsyncFor)
_COLLECTS = frozenset({"append", "add", "insert", "appendleft", "create_task", "ensure_future", "setdefault"})
_OPENED = re.compile(r"lambda|(?:async\s+)?def\s+\w+\s*\(")
"""What stands before the first parameter."""
_AFTER = re.compile(r"\s*[:)]")
"""What follows the last parameter; a comma or a parenthesis around a default does not."""
_UNROLLS = frozenset({"list", "tuple", "set", "dict"})


class LateBoundVariable(Rule):
    """Steps are collected in a loop, and their functions use its variable.

    A Python function looks a variable up when it is called. Steps that are collected first and awaited after the loop
    call their functions when the loop is over: each of them sees the last item.

    Bind the value early, with `functools.partial`:

        calls = [workflow.do(f"pack-{item.id}", partial(pack, item)) for item in items]
        await asyncio.gather(*calls)

    or as the default of a parameter, which is what `--unsafe-fixes` writes:

        calls = [workflow.do(f"pack-{item.id}", lambda item=item: pack(item)) for item in items]

    A step that is awaited inside of the loop, before the next turn, is fine.
    """

    code = "PF208"
    name = "late-bound-variable"
    severity = "error"
    fixes = "unsafe"
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
                        name = late.use.id
                        yield self.at(
                            stand.scope.module.syntax.span(late.use),
                            f"{name} is looked up when the loop is over: all these steps see its last value",
                            f"bind it early: functools.partial(function, {name}) in place of a function that uses it",
                            fix=_early(stand.scope.module.syntax, late),
                        )


@dataclass(frozen=True, slots=True)
class _Late:
    """The first use of a varying name in the function of a step, and the loop that varies it."""

    use: ast.Name
    function: Function
    loop: Loop


def _find(conduct: Conduct, scope: Scope) -> Iterator[_Late]:
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


def _late_names(call: ast.Call, loop: Loop, varying: set[str], scope: Scope) -> Iterator[_Late]:
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
                yield _Late(use, function, loop)


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


# --- the fix: `lambda item=item: …`, which is evaluated in each turn


def _early(syntax: Syntax, late: _Late) -> Fix | None:
    """The name as the default of a parameter of its own; nothing where that would not be its value of this turn."""
    if not _is_bound_before(late) or not _takes_one_more(late):
        return None
    place = _end_of_parameters(syntax, late.function)
    if place is None:
        return None
    name = late.use.id
    text = f", {name}={name}" if _last(late.function) is not None else f"{name}={name}"
    is_bare = isinstance(late.function, ast.Lambda) and _last(late.function) is None
    edit = Edit(place, f" {text}" if is_bare else text)
    return Fix(f"bind {name!r} early, as the default of a parameter", safe=False, edits=(edit,))


def _is_bound_before(late: _Late) -> bool:
    """Whether nothing in a turn binds the name after the function has been made."""
    made = late.function.lineno, late.function.col_offset
    if not isinstance(late.loop, ast.For | ast.AsyncFor | ast.While):
        return True
    stored = (part for part in _parts(late.loop) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
    return all((part.lineno, part.col_offset) < made for part in stored if part.id == late.use.id)


def _takes_one_more(late: _Late) -> bool:
    given = late.function.args
    rebinds = (part for body in body_of(late.function) for part in ast.walk(body) if isinstance(part, ast.Nonlocal))
    is_plain = given.vararg is None and given.kwarg is None and not given.kwonlyargs
    return is_plain and not any(late.use.id in part.names for part in rebinds)


def _last(function: Function) -> ast.expr | ast.arg | None:
    """The last thing that is written among the parameters."""
    given = function.args
    every = [*given.posonlyargs, *given.args]
    parts: list[ast.expr | ast.arg] = [*every, *(arg.annotation for arg in every if arg.annotation), *given.defaults]
    return max(parts, key=lambda part: (part.end_lineno or 0, part.end_col_offset or 0), default=None)


def _end_of_parameters(syntax: Syntax, function: Function) -> Span | None:
    """Where one more parameter can be written, if that is sure from what stands on the line."""
    last = _last(function)
    span = syntax.span(function if last is None else last)
    line, column = (span.line, span.column) if last is None else (span.end_line, span.end_column)
    text = syntax.lines[line - 1]
    opened = _OPENED.match(text, column - 1) if last is None else None
    if opened is not None:
        column = opened.end() + 1
    is_sure = (last is not None or opened is not None) and _AFTER.match(text, column - 1)
    return Span(span.file, line, column, line, column) if is_sure else None
