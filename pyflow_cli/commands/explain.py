"""`pyflow explain`: what a finding means."""

from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, brief_command
from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector import Rule


@brief_command
def explain(
    cli: Cli,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Such as PF101 or dynamic-step-name.")],
) -> ExitCode:
    """Say why a finding matters, and what to do."""
    from pyflow_inspector.render.rule_page import FAMILIES

    rule = _find(code)
    if cli.json:
        cli.output.json(
            {
                "version": 1,
                "code": rule.code,
                "name": rule.name,
                "severity": rule.severity,
                "family": FAMILIES[rule.code[2]],
                "fixes": rule.fixes,
                "docs": rule.docs,
                "invalid": [{"files": one.files(), "marks": one.marks} for one in rule.invalid],
                "valid": [{"files": one.files()} for one in rule.valid],
            }
        )
    else:
        cli.output.data("\n\n".join(_paragraphs(rule)))
    return ExitCode.DONE


def _find(code: str) -> "Rule":
    """The rule of a code or a name.

    Raises:
        UsageError: there is none.
    """
    from pyflow_core.errors import UsageError
    from pyflow_core.suggest import nearest
    from pyflow_inspector import RULES

    by_name = {rule.name: rule for rule in RULES.values()}
    rule = RULES.get(code.upper()) or by_name.get(code.lower())
    if rule is None:
        near = nearest(code.upper(), RULES) or nearest(code.lower(), by_name)
        question = f"; did you mean {near!r}?" if near is not None else ""
        raise UsageError(f"no finding is called {code!r}{question}")
    return rule


def _paragraphs(rule: "Rule") -> "Iterator[str]":
    fix = {"safe": ", mended by --fix", "unsafe": ", mended by --unsafe-fixes in part", None: ""}[rule.fixes]
    yield f"{rule.code} {rule.name} ({rule.severity}{fix})"
    yield rule.docs
    for title, examples in (("Refused:", rule.invalid), ("Accepted:", rule.valid)):
        for example in examples[:1]:
            yield title
            yield indent(_source(example.files()), "    ").rstrip()


def _source(files: dict[str, str]) -> str:
    if len(files) == 1:
        return next(iter(files.values()))
    return "\n".join(f"# {name}\n{text}" for name, text in files.items())
