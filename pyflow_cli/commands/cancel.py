"""`pyflow cancel`: ask a run to stop."""

from typing import TYPE_CHECKING

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import RunArgument

if TYPE_CHECKING:
    from pyflow_core.ports.state import RunRecord, RunStatus


@command
def cancel(cli: Cli, run: RunArgument) -> ExitCode:
    """Ask a run to stop; its handlers may still clean up."""
    import asyncio

    from pyflow_core.ports.state import RunStatus

    record, before, has_worker = asyncio.run(_cancel(cli, run))
    requested = not before.settled
    if cli.json:
        cli.output.json(
            {"run_id": record.run_id, "workflow": record.workflow, "status": record.status, "requested": requested}
        )
    if before.settled and before is not RunStatus.CANCELLED:
        cli.output.error(f"run {record.run_id!r} cannot be cancelled: it has ended as {before}")
        return ExitCode.NO
    if record.status.settled:
        cli.output.prose(f"run {record.run_id} is cancelled")
    elif has_worker:
        cli.output.prose(f"run {record.run_id} is asked to stop: `pyflow status {record.run_id}`")
    else:
        cli.output.prose(f"run {record.run_id} stops when a worker gets to it, and none is alive: `pyflow worker`")
    return ExitCode.DONE


async def _cancel(cli: Cli, named: str) -> "tuple[RunRecord, RunStatus, bool]":
    """The run, its status before, and whether anybody is there to stop it."""
    from pyflow_cli.store_access import find_run, open_stores

    async with open_stores(cli.settings, with_queue=True) as client:
        run = await find_run(cli.output, client.state, named)
        before = await client.cancel_run(run.run_id)
        return await client.get_run(run.run_id), before, bool(await client.state.live_workers())
