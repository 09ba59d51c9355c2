"""`pyflow payload verify`: whether every reference resolves, and to what was written."""

from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from pyflow_cli.payload_check import Checked


@command
def verify(
    cli: Cli,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The id of a run, or the beginning of it; all runs without.")
    ] = None,
) -> ExitCode:
    """Read every payload of a run, or of all runs, and compare it with its reference.

    What is gone because its run is being purged is not bad.
    """
    import asyncio

    from pyflow_cli.json_form import VERSION
    from pyflow_cli.output import one_line
    from pyflow_core.payload.reference import show_reference

    checked = asyncio.run(_check(cli, run))
    if cli.json:
        bad = [{"run_id": row.run_id, **row.form(), "code": e.code, "message": e.message} for row, e in checked.bad]
        purging = [{"run_id": run_id, "error": error} for run_id, error in checked.purging.items()]
        document = {"version": VERSION, "runs": checked.runs, "checked": checked.payloads, "bad": bad}
        cli.output.json({**document, "purging": purging})
    else:
        for row, error in checked.bad:
            place = f"{row.run_id} {row.step_name or '-'} {row.slot}"
            cli.output.data(one_line(f"{place} {show_reference(row.reference)} {error.code}: {error.message}"))
    for run_id, why in checked.purging.items():
        cli.output.prose(one_line(f"run {run_id} is being purged{f', and was not yet: {why}' if why else ''}"))
    verdict = f"{len(checked.bad)} are not what was written" if checked.bad else "all are what was written"
    cli.output.prose(f"{checked.payloads} payloads of {checked.runs} runs: {verdict}")
    # A run that was asked for by name is not what it was; among all runs one that is going is nothing to worry about.
    return ExitCode.NO if checked.bad or (run and checked.purging) else ExitCode.DONE


async def _check(cli: Cli, named: str | None) -> "Checked":
    from pyflow_cli.payload_check import PayloadCheck
    from pyflow_cli.payload_opening import open_payloads
    from pyflow_cli.store_access import find_run, open_stores

    async with open_stores(cli.settings) as client, open_payloads(cli.settings) as planes:
        check = PayloadCheck(client.state, planes)
        if named is None:
            await check.all_runs()
        else:
            await check.run((await find_run(cli.output, client.state, named)).run_id)
        return check.checked
