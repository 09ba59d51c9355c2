"""`pyflow runs`: which runs there are."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from pyflow_core.ports.state import RunFilter, RunPage, RunStatus, WorkflowStateService

_MAX_LIMIT = 1000


@command
def runs(
    cli: Cli,
    *,
    workflow: Annotated[str | None, typer.Option("--workflow", metavar="NAME", help="Only of this workflow.")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="STATUS", help="Only with this status; may be repeated.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only with this tag.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help='Only created since: 2025-01-31T12:00:00Z, or "1h" ago.'),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MAX_LIMIT, help="So many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="The next_cursor of the page before.")] = None,
) -> ExitCode:
    """List runs, newest first."""
    import asyncio
    import sys

    from pyflow_cli.json_form import page_form
    from pyflow_cli.run_text import page_lines
    from pyflow_core.ports.state import RunFilter

    statuses = tuple(_status(name) for given in status or () for name in given.split(","))
    query = RunFilter(workflow, statuses, tag, _since(since), limit, cursor)
    page, waits_for = asyncio.run(_read(cli, query))
    if cli.json:
        cli.output.json(page_form(page, waits_for))
        return ExitCode.DONE
    if not sys.stdout.isatty():
        cli.output.data("".join(f"{run.run_id}\n" for run in page.runs))
    elif page.runs:
        cli.output.data("\n".join(page_lines(page, time.time(), color=cli.output.color)))
    else:
        cli.output.prose("no runs")
    if page.next_cursor is not None:
        cli.output.prose(f"there are more: --cursor {page.next_cursor}")
    return ExitCode.DONE


async def _read(cli: Cli, query: "RunFilter") -> "tuple[RunPage, dict[str, list[str] | None]]":
    from pyflow_cli.store_access import open_stores

    async with open_stores(cli.settings) as client:
        page = await client.state.list_runs(query)
        return page, await _waits_for(client.state, page) if cli.json else {}


async def _waits_for(state: "WorkflowStateService", page: "RunPage") -> "dict[str, list[str] | None]":
    from pyflow_cli.json_form import open_steps

    waiting = [run.run_id for run in page.runs if run.steps_open]
    return {run_id: open_steps(await state.list_steps(run_id)) for run_id in waiting}


def _status(name: str) -> "RunStatus":
    from pyflow_core.errors import InvalidOptionError
    from pyflow_core.ports.state import RunStatus
    from pyflow_core.suggest import did_you_mean

    try:
        return RunStatus(name.strip().lower())
    except ValueError:
        near = did_you_mean(name, [status.value for status in RunStatus])
        raise InvalidOptionError(f"--status: no run has the status {name!r}{near}") from None


def _since(given: str | None) -> float | None:
    """A time: RFC 3339 (in UTC, if it does not say where), or so long ago."""
    from datetime import UTC, datetime

    from pyflow_core.duration import parse_duration
    from pyflow_core.errors import InvalidDurationError, InvalidOptionError

    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        return time.time() - parse_duration(given)
    except InvalidDurationError:
        raise InvalidOptionError(
            f"--since {given!r} is no time: write 2025-01-31T12:00:00Z, or a duration such as 30m, 1h, 7d"
        ) from None
