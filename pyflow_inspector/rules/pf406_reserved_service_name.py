"""PF406: reserved service name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule
from pyflow_inspector.wire_function import BUILTIN_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.factory import ServiceAttribute
    from pyflow_inspector.model import ProjectModel


class ReservedServiceName(Rule):
    """A service of the project has the name of one of pyflow's own.

    `workflow`, `rpc`, `logger` and `step` are injected by pyflow. An attribute of that name in what the service
    factory yields is never given to anyone: rename it.

    `step` is given to RPCs only. A workflow that asks for it cannot start, which is an error.
    """

    code = "PF406"
    name = "reserved-service-name"
    severity = "warning"
    valid = (
        Example(
            """
            # file: app/services.py
            class Services:
                db: object
                log: object

            def create_services() -> Services:
                return Services()

            # file: app/functions.py
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str, *, db, logger, step) -> None: ...
            """,
            services="app.services:create_services",
        ),
        Example(
            """
            # file: app/services.py
            class Kit:
                def step(self) -> None: ...

            def create_services():
                return Kit()
            """,
            services="app.services:create_services",
        ),
    )
    invalid = (
        Example(
            """
            # file: app/services.py
            class Services:
                logger: object

                def __init__(self) -> None:
                    self.rpc = object()

            def create_services() -> Services:
                return Services()
            """,
            marks=("logger", "self.rpc"),
            services="app.services:create_services",
        ),
        Example(
            """
            # file: app/services.py
            from typing import NamedTuple

            class Services(NamedTuple):
                db: object
                step: int

            def create_services() -> Services:
                return Services(object(), 1)
            """,
            marks=("step",),
            services="app.services:create_services",
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Attributes of the services, and workflows that ask for `step`."""
        if model.services is not None:
            for name, attribute in model.services.attributes.items():
                if name in BUILTIN_SERVICES:
                    message = f"{name!r} is injected by pyflow, and this one is never given to anyone"
                    yield self.at(_span(attribute), message, "give the service another name")
        for workflow in model.workflows:
            for param in workflow.node.params.kwonly_params:
                if param.name.value == "step" and param.default is None:
                    message = "`step` is given to RPCs only, and this workflow could not start"
                    span = workflow.module.syntax.span(param)
                    yield self.at(span, message, "remove it, or ask for it in the RPC", severity="error")


def _span(attribute: ServiceAttribute) -> Span:
    syntax = attribute.module.syntax
    span = syntax.span(attribute.node)
    if isinstance(attribute.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        line = syntax.lines[span.line - 1]
        start = line.find(attribute.node.name, span.column - 1) + 1
        return type(span)(span.file, span.line, start, span.line, start + len(attribute.node.name))
    return span
