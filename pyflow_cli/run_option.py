"""Options that several commands have which start runs or name them."""

from __future__ import annotations

from typing import Annotated

import typer

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or the beginning of it.")]
WorkflowArgument = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of a workflow.")]
InputOption = Annotated[
    str | None,
    typer.Option("--input", metavar="JSON|@FILE|-", help="The input as JSON, in a file, or on standard input."),
]
RunIdOption = Annotated[
    str | None, typer.Option("--run-id", metavar="ID", help="Name the run; the same name never starts a second one.")
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Give the run a tag.")]
TimeoutOption = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help='Wait for so long at most, such as 30 or "5m".')
]


def seconds(option: str, given: str | None) -> float | None:
    """A duration that was given as an option.

    Raises:
        SettingsError: it is none.
    """
    from pyflow_cli.setting_value import seconds as parse

    return None if given is None else parse(option, given)
