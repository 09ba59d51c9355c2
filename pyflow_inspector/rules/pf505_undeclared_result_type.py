"""PF505: undeclared result type."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.project import Project, Symbol
    from pyflow_inspector.steps.fact import FoundStep
    from pyflow_inspector.steps.value import FunctionValue

_MODELS = {"pydantic.BaseModel", "pydantic.main.BaseModel"}


class UndeclaredResultType(Rule):
    """An inline step gives an object whose type nothing declares.

    What a step gives is stored, and read again on replay by its type: that of `returns=`, else the return annotation
    of the function, else plain JSON with dates, UUIDs and the like. An instance of a class from a function without
    an annotation, such as a lambda, is refused when the step has run for the first time.

    Write `returns=Tax`, or give the function a return annotation.
    """

    code = "PF505"
    name = "undeclared-result-type"
    severity = "error"
    valid = (
        Example(
            """
            from dataclasses import dataclass

            from pyflow_core import wire_workflow

            @dataclass
            class Tax:
                rate: float

            def made() -> Tax:
                return Tax(0.1)

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("tax", lambda: Tax(0.2), returns=Tax)
                await workflow.do("made", made)
                await workflow.do("rate", lambda: Tax(0.2).rate)
            """
        ),
        Example(
            """
            from enum import StrEnum
            from typing import TypedDict

            from pyflow_core import wire_workflow

            class Color(StrEnum):
                RED = "red"

            class Row(TypedDict):
                color: Color

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("color", lambda: Color("red"))
                await workflow.do("row", lambda: Row(color=Color.RED))
            """
        ),
    )
    invalid = (
        Example(
            """
            from dataclasses import dataclass

            from pyflow_core import wire_workflow

            @dataclass
            class Tax:
                rate: float

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("tax", lambda: Tax(0.2))
            """,
            marks=("lambda: Tax(0.2)",),
        ),
        Example(
            """
            from pydantic import BaseModel

            from pyflow_core import wire_workflow

            class Tax(BaseModel):
                rate: float

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                async def compute():
                    return Tax(rate=0.1)
                await workflow.do("tax", compute)
            """,
            marks=("compute",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Inline steps whose function visibly makes an object."""
        for workflow in model.workflows:
            for step in workflow.facts.steps:
                function = step.form.function
                if step.form.type != "inline" or function is None or step.target_node is None or _is_declared(step):
                    continue
                kind = _made_class(model.project, function)
                if kind is not None:
                    name = kind.name.rpartition(".")[2]
                    message = f"this step gives a {name}, and nothing says so: it could not be read again on replay"
                    yield self.at(step.module.syntax.span(step.target_node), message, f"add `returns={name}`")


def _is_declared(step: FoundStep) -> bool:
    from pyflow_inspector.option import has_unpacked_keywords, keyword_argument

    return keyword_argument(step.call, "returns") is not None or has_unpacked_keywords(step.call)


def _made_class(project: Project, function: FunctionValue) -> Symbol | None:
    """The class of every result of a function without a return annotation."""
    node = function.module.syntax.twin(function.node)
    made = [_constructed(project, function, result) for result in _results(node)]
    return made[0] if made and all(kind is not None for kind in made) else None


def _results(node: ast.AST) -> list[ast.expr]:
    from pyflow_inspector.conduct.scope import own_nodes

    if isinstance(node, ast.Lambda):
        return [node.body]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if node.returns is not None or node.decorator_list:
        return []
    return [part.value for part in own_nodes(node) if isinstance(part, ast.Return) and part.value is not None]


def _constructed(project: Project, function: FunctionValue, result: ast.expr) -> Symbol | None:
    """The class of which `result` makes an instance, if such cannot be stored undeclared."""
    if not isinstance(result, ast.Call) or not isinstance(result.func, ast.Name):
        return None
    name = result.func.id
    parameters = {arg.arg for arg in ast.walk(function.module.syntax.twin(function.node)) if isinstance(arg, ast.arg)}
    if name in parameters or (function.closure is not None and function.closure.find(name) is not None):
        return None
    symbol = project.resolve(function.module, name)
    if symbol is None or symbol.class_node is None or "__new__" in project.class_table(symbol).bindings:
        return None
    bases = symbol.class_node.bases
    is_model = len(bases) == 1 and {base.dotted for base in project.base_symbols(symbol)} <= _MODELS
    plain = not bases or (is_model and len(project.base_symbols(symbol)) == 1)
    return symbol if plain else None
