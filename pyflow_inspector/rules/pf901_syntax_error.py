"""PF901: syntax error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel


class SyntaxErrorFound(Rule):
    """A file that wires something cannot be read.

    It is no valid Python for the Python that runs pyflow, it is not in its declared encoding, or it holds null bytes.
    What it wires is not known, so nothing can be generated.
    """

    code = "PF901"
    name = "syntax-error"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc
            wire_rpc("a" "b"
            """,
            marks=("(",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Files that were needed and could not be read."""
        for fault in model.project.faults.values():
            if not fault.is_too_complex:
                yield self.at(fault.span, fault.message)
