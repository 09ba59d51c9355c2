"""PF501: missing annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class MissingAnnotation(Rule):
    """A wired function does not say what it takes or what it gives.

    Its data is stored, sent to other processes and read there again, by the types of the first parameter and of the
    result. The typed client is made of them too. A function that gives nothing says `-> None`.
    """

    code = "PF501"
    name = "missing-annotation"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str, *, db) -> None: ...

            @wire_rpc("users.count")
            async def count() -> int:
                return 0
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data): ...
            """,
            marks=("create", "data"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """First parameters and results of wired functions without an annotation."""
        for wired in model.functions:
            signature = wired.signature
            syntax = wired.module.syntax
            if signature.data_param is not None and signature.data is None:
                name = signature.data_param.name.value
                message = f"the data parameter {name!r} of {wired.node.name.value!r} has no annotation"
                yield self.at(syntax.span(signature.data_param), message, f"write `{name}: <type>`")
            if signature.result is None:
                message = f"the result of {wired.node.name.value!r} has no annotation"
                yield self.at(syntax.function_name_span(wired.node), message, "write `-> <type>`, or `-> None`")
