"""PF504: type not importable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.annotation import Annotation
    from pyflow_inspector.model import ProjectModel


class TypeNotImportable(Rule):
    """The type of a wired function's data or result cannot be found.

    Workers and the typed client import these types from the module that defines them, so they must be defined at
    the top level of a module, or imported there. A type variable is no type: nothing says what it stands for when a
    value is read again.
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
        Example(
            """
            from typing import TypeVar

            from pyflow_core import wire_rpc

            T = TypeVar("T")

            @wire_rpc("values.echo")
            async def echo(data: T) -> list[T]: ...
            """,
            marks=("T", "T"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Names in data and result annotations that nothing defines, and those of type variables."""
        for wired in model.functions:
            for annotation in (wired.signature.data, wired.signature.result):
                if annotation is not None:
                    yield from self._names(annotation)

    def _names(self, annotation: Annotation) -> Iterator[Diagnostic]:
        for name in annotation.unknown:
            yield self.at(
                annotation.name_span(name),
                f"the type {name!r} cannot be found",
                "define it at the top level of a module, or import it",
            )
        for name in annotation.variables:
            yield self.at(
                annotation.name_span(name),
                f"{name!r} is a type variable: nothing says which type a stored value is of",
                "wire a function for one type, or name the types that it may be: `A | B`",
            )
