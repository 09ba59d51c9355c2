"""`pyflow dev`: generate, execute, and show runs, again whenever a file is saved."""

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import InputOption

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.project_loading import LoadedProject
    from pyflow_cli.source_watch import SourceWatch
    from pyflow_cli.starting import StartRequest
    from pyflow_core.ports.state import RunEvent

_RESTARTED = "PYFLOW_DEV_RESTARTED"
_DRAIN_SECONDS = 2.0
_STATE = "sqlite:///.pyflow/dev.db"


@command
def dev(
    cli: Cli,
    *,
    workflow: Annotated[str | None, typer.Option("--workflow", metavar="NAME", help="Start a run of this one.")] = None,
    given: InputOption = None,
) -> ExitCode:
    """Run everything in one process on SQLite: generate, execute, show runs; again when a file is saved."""
    from contextlib import redirect_stdout

    from pyflow_cli.interrupt import leave, run_interruptible
    from pyflow_cli.log_line import show_log
    from pyflow_cli.source_watch import SourceWatch
    from pyflow_core.errors import UsageError

    if given is not None and workflow is None:
        raise UsageError("--input is for a run: say which with --workflow NAME")
    watch = SourceWatch(cli.written_settings)
    loaded = _load(cli, watch)
    show_log(cli.output, server=False)
    request = _request(cli, workflow, given)

    tell = _teller(cli, sys.stdout)

    async def main(interrupt: "Interrupt") -> bool:
        return await _serve(cli, loaded, request, watch, tell, interrupt)

    with redirect_stdout(sys.stderr):
        has_new_code = run_interruptible(main, lambda: None)
    if has_new_code:
        _restart()
    return leave(ExitCode.INTERRUPTED)


def _load(cli: Cli, watch: "SourceWatch") -> "LoadedProject":
    """Generate and import; when that fails, again after the next save."""
    from pyflow_cli.failure import report
    from pyflow_cli.project_loading import load_project
    from pyflow_core.errors import UsageError

    while not _generate(cli):
        _wait_for_save(cli, watch)
    try:
        return load_project(cli, generated_now=True)
    except UsageError as error:
        report(error, cli.output)
        _wait_for_save(cli, watch)
        _restart()


def _wait_for_save(cli: Cli, watch: "SourceWatch") -> None:
    cli.output.prose("waiting for a file to be saved")
    _say_saved(cli, watch.wait())


def _say_saved(cli: Cli, changed: list[str]) -> None:
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    cli.output.prose(f"{changed[0]}{more} changed")


def _generate(cli: Cli) -> bool:
    """Bring the generated package up to date; False, with the reason said, if that cannot be."""
    from pyflow_cli.codegen.write import apply_changes
    from pyflow_cli.failure import report
    from pyflow_cli.generation import planned_changes, stopping_findings
    from pyflow_cli.inspection import inspect
    from pyflow_cli.settings import load_settings
    from pyflow_core.errors import UsageError
    from pyflow_inspector import render_text

    try:
        settings = load_settings(cli.written_settings.root, {})
        metadata = inspect(settings)
        findings = stopping_findings(metadata)
        if findings:
            cli.output.prose(render_text(findings, settings.root, color=cli.output.color))
            cli.output.error("nothing was generated")
            return False
        changes = planned_changes(settings, metadata)
        apply_changes(changes)
    except UsageError as error:
        report(error, cli.output)
        return False
    if changes.paths:
        cli.output.prose(f"generated {settings.package}: {len(changes.paths)} files changed")
    return True


def _request(cli: Cli, workflow: str | None, given: str | None) -> "StartRequest | None":
    """The run to start, once: not again after a restart."""
    import os

    from pyflow_cli.starting import read_request

    if workflow is None or os.environ.get(_RESTARTED):
        return None
    return read_request(cli.output, workflow, given, None, None)


async def _serve(
    cli: Cli,
    loaded: "LoadedProject",
    request: "StartRequest | None",
    watch: "SourceWatch",
    tell: "Callable[[RunEvent, str], None]",
    interrupt: "Interrupt",
) -> bool:
    """Execute and show runs; whether the code has changed, rather than the process asked to stop."""
    import asyncio

    from pyflow_cli.live_view import LiveView
    from pyflow_cli.starting import start_run

    state = loaded.settings.state
    if not state.startswith(("sqlite:", "memory:")):
        cli.output.prose(f"the configured state is left alone; this one is {_STATE}")
        state = _STATE
    async with loaded.connect(state=state, queue="", drain_seconds=_DRAIN_SECONDS) as client:
        view = LiveView(client.state, tell)
        worker = await client.work()
        cli.output.prose(f"executing {loaded.project.name}: {len(worker.queues)} queues. Ctrl-C ends")
        if request is not None:
            await start_run(client, request)
        tasks = [asyncio.create_task(work) for work in (interrupt.wait(), _new_code(cli, watch), view.follow())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await worker.close()
        await view.show()
        return interrupt.signal is None


async def _new_code(cli: Cli, watch: "SourceWatch") -> None:
    """Return when there is new code that can be generated; until then the old code goes on."""
    import asyncio

    from pyflow_cli.source_watch import LOOK_SECONDS

    while True:
        await asyncio.sleep(LOOK_SECONDS)
        changed = await asyncio.to_thread(watch.changed)
        if changed:
            _say_saved(cli, changed)
            if await asyncio.to_thread(_generate, cli):
                return


def _teller(cli: Cli, data: "TextIO") -> "Callable[[RunEvent, str], None]":
    """Writes events to `data`; what steps print goes elsewhere."""
    import json

    from pyflow_cli.json_form import event_form
    from pyflow_cli.run_text import event_line

    color = cli.output.color and data.isatty()

    def tell(event: "RunEvent", workflow: str) -> None:
        if cli.json:
            form = {"run_id": event.run_id, "workflow": workflow, **event_form(event)}
            data.write(f"{json.dumps(form, ensure_ascii=False)}\n")
        elif (line := event_line(event, workflow, color=color)) is not None:
            data.write(f"{line}\n")
        data.flush()

    return tell


def _restart() -> NoReturn:
    """Begin anew in this process: no module, task or thread of the old code is left."""
    import os

    os.environ[_RESTARTED] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the command that is running
