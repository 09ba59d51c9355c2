"""PF502: type only import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class TypeOnlyImport(Rule):
    """The type of a wired function's data or result is imported for type checkers only.

    These two annotations are evaluated when the process starts, because values are stored and read by them. A name
    imported under `if TYPE_CHECKING:` does not exist then. Import it outside; ruff leaves it there when
    `wire_workflow` and `wire_rpc` are among its `runtime-evaluated-decorators`.

    Services are never evaluated, and may be imported for type checkers only.
    """

    code = "PF502"
    name = "type-only-import"
    severity = "error"
    fixes = "safe"
    valid = (
        Example(
            """
            # file: app/models.py
            class User: ...
            class Database: ...
            # file: app/functions.py
            from __future__ import annotations
            from typing import TYPE_CHECKING
            from app.models import User
            from pyflow_core import wire_rpc
            if TYPE_CHECKING:
                from app.models import Database

            @wire_rpc("users.create")
            async def create(data: User, *, db: Database) -> User:
                return data
            """
        ),
    )
    invalid = (
        Example(
            """
            # file: app/models.py
            class User: ...
            # file: app/functions.py
            from __future__ import annotations
            from typing import TYPE_CHECKING
            from pyflow_core import wire_rpc
            if TYPE_CHECKING:
                from app.models import User

            @wire_rpc("users.create")
            async def create(data: list[User]) -> "User":
                return data[0]
            """,
            marks=("User", '"User"'),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Names in data and result annotations that exist for type checkers only."""
        from pyflow_inspector.import_fix import import_fix  # libcst takes its time to import

        for wired in model.functions:
            for annotation in (wired.signature.data, wired.signature.result):
                for name in annotation.type_only if annotation is not None else ():
                    assert annotation is not None
                    yield self.at(
                        annotation.name_span(name),
                        f"{name!r} is imported under TYPE_CHECKING, and pyflow needs it at run time",
                        "move the import out of `if TYPE_CHECKING:`",
                        fix=import_fix(model.project, annotation.module, name.partition(".")[0]),
                    )
