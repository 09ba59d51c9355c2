"""PF902: file too complex."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel

_DEEP = f"x = {'- ' * 600}1"


class FileTooComplex(Rule):
    """A file that wires something is too long, or nests too deeply, to be followed.

    It may be valid Python. pyflow refuses more than 2 MiB in one file, more than 500 levels of code within each other,
    and workflow functions that nest deeper than it can follow. What the file wires is not known, so nothing can be
    generated. Such code is mostly data, or written by a program: keep it in a module that no workflow leads to.
    """

    code = "PF902"
    name = "file-too-complex"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data
            """
        ),
    )
    invalid = (Example(f"from pyflow_core import wire_rpc\n{_DEEP}\n", marks=("x",)),)

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Files and functions that were needed and are too much."""
        for fault in (*model.project.faults.values(), *model.project.deep_functions):
            if fault.is_too_complex:
                yield self.at(fault.span, fault.message, "move what is long or deep to a module of its own")
