"""`pyflow payload`: what runs keep in the payload store."""

import typer

from pyflow_cli.command import JsonOption, NoColorOption, ProjectOption, QuietOption, VerboseOption, remember
from pyflow_cli.command_group import CONTEXT, LazyGroup
from pyflow_cli.exit_code import ExitCode


class PayloadGroup(LazyGroup):
    """Its subcommands."""

    names = ("get", "ls", "verify", "gc")
    package = "pyflow_cli.commands.payloads"


payload = typer.Typer(
    cls=PayloadGroup,
    help="Show, fetch, verify and clean up what runs keep in the payload store.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    invoke_without_command=True,
)


@payload.callback()
def common(
    context: typer.Context,
    *,
    project: ProjectOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show, fetch, verify and clean up what runs keep in the payload store."""
    remember(context, project=project, json=json, quiet=quiet, verbose=verbose, no_color=no_color)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.DONE)
