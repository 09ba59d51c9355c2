"""The command `pyflow`. Commands are imported when they are asked for, so that `pyflow --help` is quick."""

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from pyflow_cli.command import (
    JsonOption,
    NoColorOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    VersionOption,
    make_cli,
    remember,
    run,
)
from pyflow_cli.command_group import CONTEXT, LazyGroup
from pyflow_cli.exit_code import ExitCode

COMMANDS = (
    "init",
    "generate",
    "inspect",
    "check",
    "explain",
    "dev",
    "worker",
    "start",
    "run",
    "runs",
    "status",
    "cancel",
    "redrive",
    "payload",
)
"""In the order of the help. Each is the function of this name in the module of this name in `pyflow_cli.commands`, or
the Typer application of its subcommands."""


class CommandGroup(LazyGroup):
    """The commands of `pyflow`."""

    names = COMMANDS
    package = "pyflow_cli.commands"


app = typer.Typer(
    cls=CommandGroup,
    help="Durable workflows that are checked and generated from the source before they run.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    invoke_without_command=True,
)


@app.callback()
def common(
    context: typer.Context,
    *,
    project: ProjectOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    version: VersionOption = False,
) -> None:
    """Durable workflows that are checked and generated from the source before they run."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("pyflow-workflows"))
        raise typer.Exit(ExitCode.DONE)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.DONE)
    remember(context, project=project, json=json, quiet=quiet, verbose=verbose, no_color=no_color)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the process was started with, and end the process with its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Whoever closed it wants to hear nothing.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for as long as the process
        # Text that the terminal cannot show is escaped and never a crash.
        getattr(sys, name).reconfigure(errors="backslashreplace")
    was_enabled = gc.isenabled()
    gc.disable()  # nearly all that is imported stays: to look for cycles in it, again and again, takes long
    given = list(sys.argv[1:] if arguments is None else arguments)
    cli = make_cli({"no_color": "--no-color" in given, "verbose": "--verbose" in given}, {})
    code = run(lambda: _invoke(given, cli.output.error), cli.output)
    if was_enabled and arguments is not None:
        gc.enable()
    elif not gc.isenabled():
        gc.freeze()  # nor need Python look for them when it clears away what is left
    sys.exit(code)


def _invoke(arguments: list[str], say_error: Any) -> int:
    try:
        return int(app(arguments, prog_name="pyflow", standalone_mode=False) or ExitCode.DONE)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except Exception as error:
        # Typer has brought its own copy of click since 0.20, so its usage errors are known by their shape alone.
        describe = getattr(error, "format_message", None)
        if describe is None:
            raise
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "pyflow"
        say_error(describe().replace("Value error, ", "", 1), (f"{path} --help",))  # a word of pydantic's
        return ExitCode.USAGE


if __name__ == "__main__":
    main()
