"""PF903: rule crashed."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, InternalRule

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic, Span

_PACKAGE = "pyflow_"


class RuleCrashed(InternalRule):
    """pyflow made a mistake while it read or judged a file.

    Everything else was read and judged all the same, but what this part would have found is not known, so nothing can
    be generated. The message names the rule or the function, the error, and the line of pyflow where it happened:
    please report it together with the code that it points at.
    """

    code = "PF903"
    name = "rule-crashed"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc
            """
        ),
    )
    invalid = ()

    def of(self, span: Span, what: str, error: Exception) -> Diagnostic:
        """The finding that `what` failed with `error`."""
        message = f"{what} crashed{_line_of(error)}: {_one_line(error)}"
        return self.at(span, message, "this is a mistake of pyflow's: please report it with the code that it points at")


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())


def _line_of(error: Exception) -> str:
    """Where in pyflow, without the folder that it is installed in."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        folder, mark, rest = frame.filename.replace("\\", "/").rpartition(f"/{_PACKAGE}")
        if mark and folder:
            return f" at {_PACKAGE}{rest}:{frame.lineno}"
    return ""
