"""`pyflow payload get`: one value of a run, whole and verified."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import RunArgument

if TYPE_CHECKING:
    from pyflow_cli.payload_fetching import Fetched, Target


_STANDARD_OUTPUT = Path("-")


@command
def get(
    cli: Cli,
    run: RunArgument,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[STEP] input|output", help="Which value: of the run, or of a step. A file-NAME as `ls` shows it."
        ),
    ],
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write it here, whole or not at all; - is standard output, whatever it is.",
        ),
    ] = None,
) -> ExitCode:
    """Fetch a value: verified before anything of it is given, and of any size."""
    import asyncio

    from pyflow_core.errors import UsageError

    if len(place) > 2:
        raise UsageError("name one value: pyflow payload get RUN [STEP] input|output")
    step_name, slot = (None, place[0]) if len(place) == 1 else (place[0], place[1])
    return asyncio.run(_get(cli, run, step_name, slot, file))


async def _get(cli: Cli, named: str, step_name: str | None, slot: str, file: Path | None) -> ExitCode:
    from pyflow_cli.payload_fetching import fetch, find_target, find_value, told_of_purge
    from pyflow_cli.payload_opening import open_payloads
    from pyflow_cli.store_access import find_run, open_stores

    target = None if file is None or file == _STANDARD_OUTPUT else find_target(file)
    async with open_stores(cli.settings) as client, open_payloads(cli.settings) as planes:
        run = await find_run(cli.output, client.state, named)
        value = await find_value(client.state, run, step_name, slot)
        async with told_of_purge(client.state, run.run_id), fetch(planes, run.tenant, value, target) as fetched:
            return _give(cli, fetched, target, forced=file == _STANDARD_OUTPUT)


def _give(cli: Cli, fetched: "Fetched", target: "Target | None", *, forced: bool) -> ExitCode:
    from pyflow_cli.json_form import VERSION

    if target is not None:
        fetched.keep(target)
        cli.output.prose(f"{fetched.size} bytes, sha256 {fetched.sha256}")
        if cli.json:
            cli.output.json({"version": VERSION, **fetched.form(), "file": str(target.named)})
        return ExitCode.DONE
    if cli.json:
        cli.output.json({"version": VERSION, **fetched.form(), "value": fetched.value()})
        return ExitCode.DONE
    if sys.stdout.isatty() and not forced and not fetched.is_plain_text():
        cli.output.error("this is no text that a terminal can show", ("write it to a file: -o FILE",))
        return ExitCode.USAGE
    fetched.copy(sys.stdout.buffer)
    return ExitCode.DONE
