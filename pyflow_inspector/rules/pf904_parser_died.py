"""PF904: parser died."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, InternalRule
from pyflow_inspector.source_text import file_start

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic


class ParserDied(InternalRule):
    """The process that read a file ended, or did not come to an end.

    Files are read in processes of their own, so that a fault of the parser costs one file only. What this file wires
    is not known, so nothing can be generated. If it happens again with the same file, please report it; a machine that
    is short of memory may have ended the process as well.
    """

    code = "PF904"
    name = "parser-died"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc
            """
        ),
    )
    invalid = ()

    def of(self, file: str, how: str) -> Diagnostic:
        """The finding that the reader of `file` came to an end."""
        message = f"the process that read this file {how}"
        return self.at(file_start(file), message, "try again; if it happens again, please report it with the file")
