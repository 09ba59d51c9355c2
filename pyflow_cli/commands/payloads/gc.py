"""`pyflow payload gc`: purge runs past their retention, and sweep what no run refers to."""

from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from pyflow_cli.payload_cleaning import Cleaned


@command
def gc(
    cli: Cli,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> ExitCode:
    """Delete runs past `retention` with their payloads, and payloads of at least a day that nothing refers to."""
    import asyncio

    from pyflow_cli.json_form import VERSION
    from pyflow_cli.output import one_line

    done = asyncio.run(_clean(cli, dry_run=dry_run))
    if cli.json:
        cli.output.json({"version": VERSION, **done.form()})
    else:
        would = "would be " if dry_run else ""
        lines = [
            *(f"{would}purged run {run_id}" for run_id in done.purged),
            *(f"failed to purge run {run_id}: {why}" for run_id, why in done.failures.items()),
            *(f"{would}deleted {orphan}" for orphan in done.orphans),
        ]
        cli.output.data("".join(f"{one_line(line)}\n" for line in lines))
    if cli.settings.retention is None:
        cli.output.prose("no run was purged: `retention` is not set")
    cli.output.prose(
        f"{len(done.purged)} runs past retention, {len(done.orphans)} payloads that nothing refers to, "
        f"of {done.listed} in the store"
    )
    return ExitCode.NO if done.failures else ExitCode.DONE


async def _clean(cli: Cli, *, dry_run: bool) -> "Cleaned":
    from pyflow_cli.payload_cleaning import clean
    from pyflow_cli.payload_opening import open_payloads
    from pyflow_cli.store_access import open_stores

    async with open_stores(cli.settings) as client, open_payloads(cli.settings) as planes:
        return await clean(client.state, await planes.store(), cli.settings.retention, dry_run=dry_run)
