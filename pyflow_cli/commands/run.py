"""`pyflow run`: start a run, wait for it, print its output."""

import sys
from typing import TYPE_CHECKING

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import InputOption, RunIdOption, TagOption, TimeoutOption, WorkflowArgument, seconds

if TYPE_CHECKING:
    from pyflow_cli.executing import Executing
    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.json_form import Values
    from pyflow_cli.outcome import Outcome
    from pyflow_cli.project_loading import LoadedProject
    from pyflow_cli.starting import StartRequest
    from pyflow_core.client import Client
    from pyflow_core.ports.state import RunRecord

_DRAIN_SECONDS = 2.0
"""What runs here when somebody stops waiting is given back soon: a worker takes it up again."""

_LOOK_SECONDS = 2.0


@command
def run(
    cli: Cli,
    workflow: WorkflowArgument,
    *,
    given: InputOption = None,
    run_id: RunIdOption = None,
    tag: TagOption = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Start a run, wait for it, and print its output; execute it here if no worker is alive."""
    from contextlib import redirect_stdout

    from pyflow_cli.interrupt import leave, run_interruptible
    from pyflow_cli.log_line import show_log
    from pyflow_cli.project_loading import load_project
    from pyflow_cli.starting import read_request

    patience = seconds("--timeout", timeout)
    loaded = load_project(cli)
    show_log(cli.output, server=False)
    request = read_request(cli.output, workflow, given, run_id, tag)

    async def main(interrupt: "Interrupt") -> "tuple[Outcome, Values, bool]":
        return await _run(cli, loaded, request, interrupt, patience)

    try:
        # What steps print must not come between a program and the output that it reads.
        with redirect_stdout(sys.stderr):
            outcome, values, executed_here = run_interruptible(main, lambda: _say_resumable(cli, request))
    except KeyboardInterrupt:
        _say_resumable(cli, request)
        return leave(ExitCode.INTERRUPTED)
    return leave(_end(cli, outcome, values, executed_here=executed_here))


async def _run(
    cli: Cli, loaded: "LoadedProject", request: "StartRequest", interrupt: "Interrupt", patience: float | None
) -> "tuple[Outcome, Values, bool]":
    from pyflow_cli.executing import executing

    drain_seconds = min(loaded.settings.drain_seconds, _DRAIN_SECONDS)
    async with loaded.connect(drain_seconds=drain_seconds) as client, executing(client) as part:
        outcome = await interrupt.unless(_execute(cli, client, part, request, patience))
        return outcome, await _output(client, outcome.run), part.here


async def _output(client: "Client", run: "RunRecord") -> "Values":
    """The output of a run, fetched if it went by reference."""
    from pyflow_cli.shown_value import WHOLE, ValueFetcher

    planes = client.runtime.values.planes
    if run.output.reference is None or planes is None:
        return {}
    return await ValueFetcher(planes, run.tenant, WHOLE).fetch([run.output])


async def _execute(
    cli: Cli, client: "Client", part: "Executing", request: "StartRequest", patience: float | None
) -> "Outcome":
    import asyncio

    from pyflow_cli.following import Progress
    from pyflow_cli.outcome import wait_for_end
    from pyflow_cli.starting import start_run

    await part.begin_if_nobody_does()
    started = await start_run(client, request)
    cli.output.prose(f"run {started.run.run_id}" + ("" if started.created else " exists already"))
    progress = Progress(cli.output, client.state, request.run_id)
    end = asyncio.create_task(wait_for_end(client, request.workflow, request.run_id, patience))
    beside = [asyncio.create_task(work) for work in (progress.follow(), _keep_executed(part), part.failed())]
    try:
        await asyncio.wait((end, *beside), return_when=asyncio.FIRST_COMPLETED)
        if not end.done():
            # What goes on beside the run ends only by an error, such as a store that is gone.
            await asyncio.gather(*(task for task in beside if task.done()))
        outcome = await end
    finally:
        for task in (end, *beside):
            task.cancel()
        await asyncio.gather(end, *beside, return_exceptions=True)
        progress.clear()
    await progress.finish()
    return outcome


async def _keep_executed(part: "Executing") -> None:
    """Take over here when the last worker has gone."""
    import asyncio

    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await part.begin_if_nobody_does()


def _end(cli: Cli, outcome: "Outcome", values: "Values", *, executed_here: bool) -> ExitCode:
    from pyflow_cli.json_form import value_form
    from pyflow_cli.outcome import report_outcome
    from pyflow_cli.table import duration_text

    code = report_outcome(cli.output, outcome, executed_here=executed_here)
    run = outcome.run
    if code is ExitCode.DONE:
        took = "" if run.finished_at is None else f" in {duration_text(run.finished_at - run.created_at)}"
        cli.output.prose(f"completed{took}")
        cli.output.json(value_form(run.output, values))
    return code


def _say_resumable(cli: Cli, request: "StartRequest") -> None:
    cli.output.prose(f"interrupted; run {request.run_id} is kept, and no step that has completed runs again. To go on:")
    cli.output.prose("  pyflow worker")
    cli.output.prose(f"  pyflow run {request.workflow} --run-id {request.run_id}")
