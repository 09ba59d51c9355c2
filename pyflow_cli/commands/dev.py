"""`pyflow dev`: generate, execute, and show runs, again whenever a file is saved."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import InputOption

if TYPE_CHECKING:
    from pyflow_cli.dev_session import DevSession
    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.project_loading import LoadedProject
    from pyflow_cli.starting import StartRequest


@command
def dev(
    cli: Cli,
    *,
    workflow: Annotated[str | None, typer.Option("--workflow", metavar="NAME", help="Start a run of this one.")] = None,
    given: InputOption = None,
) -> ExitCode:
    """Run everything in one process on SQLite: generate, execute, show runs; again when a file is saved."""
    from contextlib import redirect_stdout

    from pyflow_cli.dev_session import DevSession, restart
    from pyflow_cli.interrupt import leave, run_interruptible
    from pyflow_cli.log_line import show_log
    from pyflow_core.errors import UsageError

    if given is not None and workflow is None:
        raise UsageError("--input is for a run: say which with --workflow NAME")
    session = DevSession(cli, sys.stdout)
    loaded = _load(cli, session)
    show_log(cli.output, server=False)
    request = _request(cli, workflow, given)

    async def main(interrupt: "Interrupt") -> bool:
        return await session.serve(loaded, request, interrupt)

    with redirect_stdout(sys.stderr):
        has_new_code = run_interruptible(main, lambda: None)
    if has_new_code:
        restart()
    return leave(ExitCode.INTERRUPTED)


def _load(cli: Cli, session: "DevSession") -> "LoadedProject":
    """Generate and import; when that fails, again after the next save."""
    from pyflow_cli.failure import report
    from pyflow_cli.project_loading import load_project
    from pyflow_core.errors import UsageError

    session.generate()
    try:
        return load_project(cli, generated_now=True)
    except UsageError as error:
        report(error, cli.output)
        session.restart_when_saved()


def _request(cli: Cli, workflow: str | None, given: str | None) -> "StartRequest | None":
    """The run to start, once: not again with new code."""
    from pyflow_cli.dev_session import has_started
    from pyflow_cli.starting import read_request

    if workflow is None or has_started():
        return None
    return read_request(cli.output, workflow, given, None, None)
