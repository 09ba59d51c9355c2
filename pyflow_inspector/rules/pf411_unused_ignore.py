"""PF411: unused ignore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, IgnoreRule

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.ignoring import Ignore


class UnusedIgnore(IgnoreRule):
    """A comment silences a finding that is not there.

    `# pyflow: ignore[PF101]` silences PF101 where the first or the last line of the finding is the line of the
    comment. Once the code is mended, the comment would hide the next such mistake: remove it.

    A comment is not called unused where its code is switched off for the file, where `--select` or `--ignore` leave
    the code out, or while some file cannot be read.
    """

    code = "PF411"
    name = "unused-ignore"
    severity = "warning"
    fixes = "safe"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(data, lambda: None)  # pyflow: ignore[PF101]
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("open", lambda: None)  # pyflow: ignore[PF101]
            """,
            marks=("PF101",),
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                # pyflow: ignore[PF203]
                await workflow.do(data, lambda: None)  # pyflow: ignore[PF101, PF102]
            """,
            marks=("PF203", "PF102"),
        ),
    )

    def judge(self, ignore: Ignore, *, is_unused: bool) -> Diagnostic | None:
        """Comments that silenced nothing."""
        if not is_unused:
            return None
        advice = "remove it, or write it on the first or last line of the finding that it is meant for"
        return self.at(ignore.span, f"there is no {ignore.code} here to ignore", advice, fix=ignore.removal)
