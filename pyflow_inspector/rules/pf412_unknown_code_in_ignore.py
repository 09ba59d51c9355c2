"""PF412: unknown code in ignore."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyflow_core.suggest import did_you_mean
from pyflow_inspector.rules.rule import Example, IgnoreRule

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.ignoring import Ignore

_FAMILY = re.compile(r"PF\d?\d?")


class UnknownCodeInIgnore(IgnoreRule):
    """A comment that should silence findings names a code that no rule has.

    It silences nothing. Each code is written in full and in capital letters, several with commas between them:
    `# pyflow: ignore[PF101, PF205]`. Whole families are switched off in the settings, for a file or for all.
    """

    code = "PF412"
    name = "unknown-code-in-ignore"
    severity = "warning"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do(data, data, 1)  # pyflow: ignore[PF101, PF205]
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("orders")
            async def orders(data: str, *, workflow) -> None:
                await workflow.do("open", lambda: None)  # pyflow: ignore[PF999]
                await workflow.do("pack", lambda: None)  # pyflow: ignore[PF1, dynamic-step-name]
                await workflow.do("send", lambda: None)  # pyflow: ignore
            """,
            marks=("PF999", "PF1", "dynamic-step-name", "# pyflow: ignore"),
        ),
    )

    def judge(self, ignore: Ignore, *, is_unused: bool) -> Diagnostic | None:  # noqa: ARG002 - an unknown code is unused
        """Comments whose code no rule has."""
        from pyflow_inspector.rules import RULES  # which holds this rule too

        if ignore.code in RULES:
            return None
        if not ignore.code:
            return self.at(ignore.span, "this comment names no code to ignore", "write `# pyflow: ignore[PF101]`")
        message = f"no rule has the code {ignore.code!r}{did_you_mean(ignore.code, RULES)}"
        return self.at(
            ignore.span, message, self._advice(ignore.code, {rule.name: code for code, rule in RULES.items()})
        )

    def _advice(self, written: str, codes: dict[str, str]) -> str:
        if written.lower() in codes:
            return f"write its code: `{codes[written.lower()]}`"
        if _FAMILY.fullmatch(written):
            return "write each code in full; a whole family is switched off by `rules` or `per-file-rules`"
        return "write the code of a rule, such as `PF101`"
