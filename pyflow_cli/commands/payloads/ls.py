"""`pyflow payload ls`: what a run keeps in the payload store."""

from typing import TYPE_CHECKING

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import RunArgument

if TYPE_CHECKING:
    from pyflow_cli.payload_row import PayloadRow


@command
def ls(cli: Cli, run: RunArgument) -> ExitCode:
    """List the payloads of a run: step, slot, size, type, store, reference. No payload is loaded."""
    import asyncio

    from pyflow_cli.json_form import VERSION
    from pyflow_cli.table import size_text, table
    from pyflow_core.payload.reference import show_reference

    run_id, rows = asyncio.run(_read(cli, run))
    if cli.json:
        cli.output.json({"version": VERSION, "run_id": run_id, "payloads": [row.form() for row in rows]})
        return ExitCode.DONE
    if not rows:
        cli.output.prose(f"run {run_id} keeps nothing in the payload store: its values lie in its rows")
        return ExitCode.DONE
    lines = [
        (
            row.step_name or "",
            row.slot,
            size_text(row.reference.bytes),
            row.reference.content_type,
            row.reference.store,
            show_reference(row.reference),
        )
        for row in rows
    ]
    head = ("step", "slot", "size", "type", "store", "reference")
    cli.output.data("\n".join(table(head, lines, color=cli.output.color)))
    return ExitCode.DONE


async def _read(cli: Cli, named: str) -> "tuple[str, list[PayloadRow]]":
    from pyflow_cli.payload_row import payload_rows
    from pyflow_cli.store_access import find_run, open_stores

    async with open_stores(cli.settings) as client:
        run = await find_run(cli.output, client.state, named)
        return run.run_id, list(payload_rows(run, await client.state.list_steps(run.run_id)))
