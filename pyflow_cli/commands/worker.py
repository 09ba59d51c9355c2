"""`pyflow worker`: execute runs until stopped."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import seconds

if TYPE_CHECKING:
    from pyflow_cli.executing import Executing
    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.project_loading import LoadedProject


@command
def worker(
    cli: Cli,
    *,
    queue: Annotated[
        list[str] | None,
        typer.Option("--queue", metavar="GLOB", help="Only these queues; may be repeated.", show_default="all"),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, help="So many steps of each queue at once.")
    ] = None,
    drain: Annotated[
        str | None, typer.Option("--drain", metavar="DURATION", help="When stopped, let steps end for so long.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is ready or due any more.")] = False,
) -> ExitCode:
    """Execute runs of the project, all queues in one process, until stopped."""
    from pyflow_cli.interrupt import leave, run_interruptible
    from pyflow_cli.log_line import show_log
    from pyflow_cli.project_loading import load_project

    drain_seconds = seconds("--drain", drain)
    loaded = load_project(cli)
    patterns = tuple(queue or ("*",))
    _check_patterns(loaded, patterns)
    show_log(cli.output, server=True)
    overrides: dict[str, Any] = {"queues": patterns, "concurrency": concurrency, "drain_seconds": drain_seconds}

    async def main(interrupt: "Interrupt") -> ExitCode:
        return await _work(cli, loaded, overrides, interrupt, once=once)

    return leave(run_interruptible(main, lambda: _log("stopped at once: others take over what ran here")))


async def _work(
    cli: Cli, loaded: "LoadedProject", overrides: dict[str, Any], interrupt: "Interrupt", *, once: bool
) -> ExitCode:
    from pyflow_cli.executing import executing

    async with loaded.connect(**overrides) as client, executing(client) as part:
        worker = await part.begin()
        _say_started(cli, loaded, worker.worker_id, worker.queues)
        ended = await _until_stopped(part, interrupt, once=once)
        if interrupt.signal is not None:
            _log("draining: steps that run may end; Ctrl-C stops at once")
        elif ended:
            _say_idle(await part.next_due_in())
    return interrupt.exit_code


async def _until_stopped(part: "Executing", interrupt: "Interrupt", *, once: bool) -> bool:
    """Whether the work is done, rather than the process asked to stop."""
    import asyncio

    works = [interrupt.wait(), part.failed(), *([part.idle()] if once else [])]
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*done)
        return tasks[0] not in done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _check_patterns(loaded: "LoadedProject", patterns: tuple[str, ...]) -> None:
    from fnmatch import fnmatchcase

    from pyflow_core.errors import InvalidOptionError
    from pyflow_core.suggest import did_you_mean

    known = [queue for plan in loaded.project.workflows for queue in plan.queues]
    for pattern in patterns:
        if known and not any(fnmatchcase(queue, pattern) for queue in known):
            raise InvalidOptionError(f"--queue: no queue matches {pattern!r}{did_you_mean(pattern, known)}")


def _say_started(cli: Cli, loaded: "LoadedProject", worker_id: str, queues: tuple[str, ...]) -> None:
    from pyflow_core.url import shown_url

    settings = loaded.settings
    _log(f"worker {worker_id} of {loaded.project.name}: state {shown_url(settings.state)}")
    if settings.queue:
        _log(f"queue {shown_url(settings.queue)}")
    for queue in queues:
        _log(f"serves {queue}")
    if not queues:
        cli.output.warning("there is no workflow in this project: nothing to do")
    if settings.state.startswith("memory:"):
        cli.output.warning("a state in memory is seen by this process alone: nothing will come")


def _say_idle(next_due_in: float | None) -> None:
    from pyflow_cli.table import duration_text

    later = "" if next_due_in is None else f"; a step that is tried again is due in {duration_text(next_due_in)}"
    _log(f"nothing is ready or due any more{later}")


def _log(message: str) -> None:
    from pyflow_core.log import logger

    logger("pyflow.worker").info(message)
