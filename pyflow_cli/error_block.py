"""An error that needs more than one line: what is wrong, the facts, and what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import typer

from pyflow_cli.output import one_line
from pyflow_cli.table import paint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_cli.exit_code import ExitCode
    from pyflow_cli.output import Output


def show_error(output: Output, headline: str, facts: Iterable[str], helps: Iterable[str] = ()) -> None:
    """Say it on standard error; each fact and each help is one line."""
    output.error(headline)
    for fact in facts:
        # The indent is kept, since a caret may stand below the text it points to.
        indent = " " * (len(fact) - len(fact.lstrip(" ")))
        sys.stderr.write(f"  {indent}{one_line(fact)}\n")
    for text in helps:
        sys.stderr.write(f"{paint('help:', 'cyan', color=output.color)} {one_line(text)}\n")


def fail(
    output: Output, code: ExitCode, headline: str, facts: Iterable[str] = (), helps: Iterable[str] = ()
) -> NoReturn:
    """Say it, and end the command."""
    show_error(output, headline, facts, helps)
    raise typer.Exit(code)
