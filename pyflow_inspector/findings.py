"""What rules find in a project, without all that is known of it beside."""

from __future__ import annotations

from dataclasses import dataclass

from pyflow_core.metadata import Diagnostic  # noqa: TC001 - read by the decoder


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings by file, line, column and code, and in how many workflows and RPCs."""

    diagnostics: tuple[Diagnostic, ...]
    workflows: int
    rpcs: int
