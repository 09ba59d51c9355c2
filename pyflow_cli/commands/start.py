"""`pyflow start`: create a run, for workers to execute."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import InputOption, RunIdOption, TagOption, TimeoutOption, WorkflowArgument, seconds

if TYPE_CHECKING:
    from typing import TextIO

    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.outcome import Outcome
    from pyflow_cli.project_loading import LoadedProject
    from pyflow_cli.starting import StartedRun, StartRequest


@command
def start(
    cli: Cli,
    workflow: WorkflowArgument,
    *,
    given: InputOption = None,
    run_id: RunIdOption = None,
    tag: TagOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended; exit 1 unless it completes.")] = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Create a run and print its id; workers execute it."""
    from contextlib import redirect_stdout

    from pyflow_cli.interrupt import run_interruptible
    from pyflow_cli.json_form import started_form
    from pyflow_cli.log_line import show_log
    from pyflow_cli.outcome import report_outcome
    from pyflow_cli.project_loading import load_project
    from pyflow_cli.starting import read_request

    patience = seconds("--timeout", timeout)
    loaded = load_project(cli)
    _refuse_memory(loaded)
    show_log(cli.output, server=False)
    request = read_request(cli.output, workflow, given, run_id, tag)
    data = sys.stdout

    async def main(interrupt: "Interrupt") -> "tuple[StartedRun, Outcome | None]":
        return await interrupt.unless(_start(cli, loaded, request, data, wait=wait, patience=patience))

    try:
        with redirect_stdout(sys.stderr):
            started, outcome = run_interruptible(main, lambda: None)
    except KeyboardInterrupt:
        cli.output.prose(f"run {request.run_id} goes on if it was started: `pyflow status {request.run_id}`")
        raise
    if cli.json:
        cli.output.json(started_form(started.run if outcome is None else outcome.run, created=started.created))
    return ExitCode.DONE if outcome is None else report_outcome(cli.output, outcome, executed_here=False)


async def _start(
    cli: Cli,
    loaded: "LoadedProject",
    request: "StartRequest",
    data: "TextIO",
    *,
    wait: bool,
    patience: float | None,
) -> "tuple[StartedRun, Outcome | None]":
    from pyflow_cli.outcome import wait_for_end
    from pyflow_cli.starting import start_run

    async with loaded.connect() as client:
        started = await start_run(client, request)
        if not cli.json:
            _say_started(cli, started, data)
        if not wait:
            return started, None
        return started, await wait_for_end(client, request.workflow, request.run_id, patience)


def _say_started(cli: Cli, started: "StartedRun", data: "TextIO") -> None:
    run_id = started.run.run_id
    data.write(f"{run_id}\n")
    data.flush()
    if not started.created:
        cli.output.prose(f"run {run_id} exists already, and is {started.run.status}")
    elif data.isatty():
        cli.output.prose(f"follow it with `pyflow status {run_id} --watch`")


def _refuse_memory(loaded: "LoadedProject") -> None:
    """A store in memory ends with this process, and the run with it."""
    from pyflow_core.errors import UsageError

    if loaded.settings.state.startswith("memory:"):
        error = UsageError("a run in memory would end with this command")
        error.add_note("`pyflow run` executes it here; or set `state` in [tool.pyflow] to a SQLite file")
        raise error
