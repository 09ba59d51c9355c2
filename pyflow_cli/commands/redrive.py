"""`pyflow redrive`: open a failed, cancelled or blocked run again."""

from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import RunArgument

if TYPE_CHECKING:
    from pyflow_core.ports.state import Redriven, RedrivePlan, RunRecord


@command
def redrive(
    cli: Cli,
    run: RunArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also run steps again that have completed.")] = False,
) -> ExitCode:
    """Open a failed, cancelled or blocked run again, from its last good step."""
    import asyncio

    return asyncio.run(_redrive(cli, run, yes=yes))


async def _redrive(cli: Cli, named: str, *, yes: bool) -> ExitCode:
    from pyflow_cli.store_access import find_run, open_stores

    async with open_stores(cli.settings, with_queue=True) as client:
        run = await find_run(cli.output, client.state, named)
        plan = await client.state.plan_redrive(run.run_id)
        if plan is None:
            return _refuse(cli, run)
        _show_plan(cli, run, plan)
        if plan.completed and not (yes or _agreed(plan)):
            return _want_agreement(cli, plan)
        done = await client.state.redrive(run.run_id)
        if done is None:
            return _refuse(cli, await client.get_run(run.run_id))
        await client.wake(run.workflow, run.run_id)
        _say_done(cli, run, plan, done, has_worker=bool(await client.state.live_workers()))
    return ExitCode.DONE


def _refuse(cli: Cli, run: "RunRecord") -> ExitCode:
    cli.output.error(f"run {run.run_id!r} cannot be redriven: it is {run.status}, not failed, cancelled or blocked")
    return ExitCode.NO


def _show_plan(cli: Cli, run: "RunRecord", plan: "RedrivePlan") -> None:
    say = cli.output.prose
    say(f"run {run.run_id} of workflow {run.workflow} is {run.status}")
    if plan.retried is not None:
        say(f"  tried again: {plan.retried}")
    if plan.archived:
        say(f"  archived, and run again if asked for again: {', '.join(plan.archived)}")


def _agreed(plan: "RedrivePlan") -> bool:
    import sys

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(f"run again what has completed ({', '.join(plan.completed)})?", err=True)


def _want_agreement(cli: Cli, plan: "RedrivePlan") -> ExitCode:
    from pyflow_cli.error_block import show_error

    number = "a step" if len(plan.completed) == 1 else f"{len(plan.completed)} steps"
    show_error(
        cli.output,
        f"nothing was done: the redrive would run {number} again that had completed",
        plan.completed,
        ("--yes, if they may run twice",),
    )
    return ExitCode.USAGE


def _say_done(cli: Cli, run: "RunRecord", plan: "RedrivePlan", done: "Redriven", *, has_worker: bool) -> None:
    if cli.json:
        cli.output.json(
            {
                "version": 1,
                "run_id": run.run_id,
                "workflow": run.workflow,
                "generation": done.generation,
                "retried": done.retried,
                "archived": list(done.archived),
                "completed": list(plan.completed),
            }
        )
    hint = "" if has_worker else ", when a worker gets to it: none is alive, start `pyflow worker`"
    cli.output.prose(f"run {run.run_id} goes on in generation {done.generation}{hint}")
