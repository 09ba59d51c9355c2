"""PF504: type not importable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class TypeNotImportable(Rule):
    """The type of a wired function's data or result cannot be found.

    Workers and the typed client import these types from the module that defines them, so they must be defined at
    the top level of a module, or imported there.
    """

    code = "PF504"
    name = "type-not-importable"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            class User: ...

            @wire_rpc("users.create")
            async def create(data: "list[User]") -> User | None: ...
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: Usr) -> "list[": ...
            """,
            marks=("Usr", '"list["'),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Names in data and result annotations that nothing defines."""
        for wired in model.functions:
            for annotation in (wired.signature.data, wired.signature.result):
                for name in annotation.unknown if annotation is not None else ():
                    assert annotation is not None
                    yield self.at(
                        annotation.name_span(name),
                        f"the type {name!r} cannot be found",
                        "define it at the top level of a module, or import it",
                    )
