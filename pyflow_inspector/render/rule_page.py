"""The documentation of rules: a page for each, a list of all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_inspector.rules import Example, Rule

FAMILIES = {
    "1": "Names and keys",
    "2": "Steps and RPCs",
    "3": "Determinism",
    "4": "Wiring and configuration",
    "5": "Types and payloads",
    "6": "Deployment",
    "9": "pyflow itself",
}
"""By the first digit of a code."""

_FIXES = {
    "safe": "`pyflow check --fix` mends it.",
    "unsafe": "`pyflow check --unsafe-fixes` mends some of it: look at the difference.",
}


def rule_page(rule: Rule) -> str:
    """The page of a rule, in Markdown."""
    facts = f"*{FAMILIES[rule.code[2]]} · {rule.severity}*"
    fix = [_FIXES[rule.fixes]] if rule.fixes is not None else []
    parts = [f"# {rule.code}: {rule.name}", facts, rule.docs, *fix]
    parts += _section("Refused", rule.invalid)
    parts += _section("Accepted", rule.valid)
    return "\n\n".join(parts) + "\n"


def rule_list(rules: Iterable[Rule]) -> str:
    """All rules as tables, one for each family, in Markdown."""
    parts = [
        "# Rules",
        "Each finding of [`pyflow check`](../check.md) has a code, and each code a page, as `pyflow explain` shows it.",
    ]
    by_family: dict[str, list[Rule]] = {}
    for rule in rules:
        by_family.setdefault(rule.code[2], []).append(rule)
    for family, members in sorted(by_family.items()):
        rows = [f"| [{one.code}]({one.code}.md) | {one.name} | {one.severity} | {one.summary} |" for one in members]
        table = ["| code | name | severity | what it says |", "| --- | --- | --- | --- |", *rows]
        parts += [f"## {family}: {FAMILIES[family]}", "\n".join(table)]
    return "\n\n".join(parts) + "\n"


def _section(title: str, examples: tuple[Example, ...]) -> Iterator[str]:
    if examples:
        yield f"## {title}"
    for number, example in enumerate(examples):
        if number:
            yield "---"
        files = example.files()
        for name, text in files.items():
            if len(files) > 1:
                yield f"`{name}`"
            yield _block(name, text)


def _block(name: str, text: str) -> str:
    return f"```{_language(name, text)}\n{text.strip()}\n```"


def _language(name: str, text: str) -> str:
    """`text` for examples that are no Python, which highlighters and tests would stumble over."""
    if name.endswith(".toml"):
        return "toml"
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return "text"
    return "python"
