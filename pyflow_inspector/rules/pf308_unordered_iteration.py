"""PF308: unordered iteration."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import conducts
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.site import Site
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_KEEP_ORDER = frozenset({"list", "tuple", "enumerate", "iter", "zip", "map", "filter", "reversed"})
_FORGET_ORDER = frozenset({"sorted", "set", "frozenset", "sum", "min", "max", "any", "all", "len", "Counter"})
_APPENDS = frozenset({"append", "extend", "insert", "appendleft", "put", "put_nowait", "write", "send"})
_TASK_MAKERS = frozenset({"create_task", "ensure_future", "do"})
_LOOPS = (ast.For, ast.AsyncFor)
_COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp)


class UnorderedIteration(Rule):
    """Workflow code goes through a set, whose order differs from process to process.

    Python hashes texts anew in each process, and so a replay may meet the elements of a set in another order. Steps
    are then asked for in another order, and lists that are made from the set differ.

    Sort it: `for tag in sorted(tags)`. A list that shall hold each element once keeps its order with
    `list(dict.fromkeys(items))`.

    Asking whether something is in a set, counting and adding up do no harm. Neither does a set of tasks or of steps:
    pyflow gives those the same order on each replay.
    """

    code = "PF308"
    name = "unordered-iteration"
    severity = "warning"
    valid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            @wire_workflow("notify")
            async def notify(data: list[str], *, workflow) -> list[str]:
                channels = set(data)
                for channel in sorted(channels):
                    await workflow.do(f"send-{channel}", lambda: None, description="Send")
                if "mail" in channels and len(channels) > 1:
                    return []
                total = sum(len(channel) for channel in channels)
                tasks = {asyncio.create_task(workflow.do(name, lambda: 1, description=name)) for name in data}
                for task in tasks:
                    await task
                return list(dict.fromkeys(data))
            """
        ),
        Example(
            """
            # file: app/tags.py
            def collect(items: list[str]) -> list[str]:
                return [item for item in set(items)]

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.tags import collect

            @wire_workflow("label")
            async def label(data: list[str], *, workflow) -> None:
                for tag in await workflow.do("tags", partial(collect, data)):
                    await workflow.do(f"label-{tag}", lambda: None, description="Label")
            """
        ),
    )
    invalid = (
        Example(
            """
            from pydantic import BaseModel

            from pyflow_core import wire_workflow

            class Order(BaseModel):
                tags: set[str]
                sent: dict[str, int]
                paid: dict[str, int]

            @wire_workflow("notify")
            async def notify(data: Order, *, workflow) -> list[str]:
                for tag in data.tags:
                    await workflow.do(f"tag-{tag}", lambda: None, description="Tag")
                for key in data.sent.keys() - data.paid.keys():
                    await workflow.do(f"remind-{key}", lambda: None, description="Remind")
                for channel in {"mail", "sms"}:
                    await workflow.do(f"send-{channel}", lambda: None, description="Send")
                return list(data.tags)
            """,
            marks=("data.tags", "data.sent.keys() - data.paid.keys()", '{"mail", "sms"}', "data.tags"),
        ),
        Example(
            """
            # file: app/tags.py
            def titles(items: list[str]) -> list[str]:
                unique = frozenset(items)
                return [item.title() for item in unique]

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.tags import titles

            @wire_workflow("label")
            async def label(data: list[str], *, workflow) -> str:
                text = ", ".join(titles(data))
                return await workflow.do("label", lambda: text)
            """,
            marks=("unique",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Sets whose order can be seen."""
        for conduct in conducts(model):
            for site, node in _ordered_uses(conduct):
                if _is_unordered(conduct, node, site.scope):
                    yield self.at(
                        site.span_of(node),
                        "the order of a set differs from process to process, and so from replay to replay",
                        f"sort it: sorted({ast.unparse(node)})",
                    )


def _ordered_uses(conduct: Conduct) -> Iterator[tuple[Site, ast.expr]]:
    """The expressions that are gone through where their order can be seen."""
    for site in conduct.sites(ast.For):
        assert isinstance(site.node, ast.For)
        if _shows_order(site.node):
            yield site, site.node.iter
    for site in conduct.sites(*_COMPREHENSIONS):
        assert isinstance(site.node, ast.ListComp | ast.GeneratorExp)
        if not _is_forgotten(site.parent):
            yield from ((site, clause.iter) for clause in site.node.generators)
    for site in conduct.sites(ast.Call):
        assert isinstance(site.node, ast.Call)
        yield from ((site, node) for node in _ordered_arguments(site.node, site.parent))
    for site in conduct.sites(ast.Starred):
        assert isinstance(site.node, ast.Starred)
        if isinstance(site.parent, ast.Call | ast.List | ast.Tuple):
            yield site, site.node.value


def _shows_order(loop: ast.For) -> bool:
    """Whether anything in a loop depends on which element comes first."""
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Await | ast.Yield | ast.Break | ast.Return):
                return True
            if isinstance(node, ast.Call) and getattr(node.func, "attr", None) in _APPENDS | _TASK_MAKERS:
                return True
    return False


def _is_forgotten(parent: ast.AST) -> bool:
    """Whether what is made goes straight into something that has no order."""
    if not isinstance(parent, ast.Call):
        return False
    name = parent.func.attr if isinstance(parent.func, ast.Attribute) else getattr(parent.func, "id", None)
    return name in _FORGET_ORDER


def _ordered_arguments(call: ast.Call, parent: ast.AST) -> Iterator[ast.expr]:
    if isinstance(call.func, ast.Name) and call.func.id in _KEEP_ORDER:
        if not _is_forgotten(parent):
            yield from (arg for arg in call.args if not isinstance(arg, ast.Starred))
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "join" and len(call.args) == 1:
        yield call.args[0]
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and not call.args:
        yield call.func.value


def _is_unordered(conduct: Conduct, node: ast.expr, scope: Scope) -> bool:
    return conduct.meaning.is_set(node, scope) and not _has_stable_elements(conduct, node, scope)


def _has_stable_elements(conduct: Conduct, node: ast.AST, scope: Scope, links: int = 3) -> bool:
    """Whether a set holds tasks, steps or whole numbers, whose order is the same in each process."""
    if isinstance(node, ast.Name) and links:
        return _is_stable_name(conduct, node.id, scope, links - 1)
    if isinstance(node, ast.BinOp) and links:
        return _has_stable_elements(conduct, node.left, scope, links - 1)
    if isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, ast.Set | ast.List | ast.Tuple):
        return all(_is_stable(conduct, one) for one in node.elts)
    return isinstance(node, ast.SetComp | ast.ListComp | ast.GeneratorExp) and _is_stable(conduct, node.elt)


def _is_stable_name(conduct: Conduct, name: str, scope: Scope, links: int) -> bool:
    found = scope.find(name)
    if found is None:
        return False
    values = [one.node for one in found[1] if one.how == "value" and one.node is not None]
    stable = bool(values) and all(_has_stable_elements(conduct, one, found[0], links) for one in values)
    return stable or _is_filled_with_tasks(conduct, name, found[0])


def _is_filled_with_tasks(conduct: Conduct, name: str, scope: Scope) -> bool:
    """Whether all that a function adds to a set are tasks."""
    added = [
        arg
        for node in scope.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == name
        for arg in node.args
    ]
    return bool(added) and all(_is_stable(conduct, arg) for arg in added)


def _is_stable(conduct: Conduct, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    makes_task = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TASK_MAKERS
    return makes_task or node in conduct.step_calls
