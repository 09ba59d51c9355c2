"""`pyflow generate`: write the generated package, or say what is out of date in it."""

from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, brief_command
from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from pyflow_cli.codegen.write import Changes
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Diagnostic


@brief_command
def generate(
    cli: Cli,
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if something is out of date.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="As --check, and print the difference.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Generate again whenever a file is saved.")] = False,
    no_docs: Annotated[bool, typer.Option("--no-docs", help="Leave the documentation pages as they are.")] = False,
) -> ExitCode:
    """Write the typed client, workers and docs.

    Errors in names, forms, wiring and types stop it before anything is written.
    """
    from pyflow_cli.codegen.write import apply_changes, complete_changes
    from pyflow_cli.source_watch import keep_generating
    from pyflow_cli.turn import generating
    from pyflow_core.errors import UsageError

    if watch and (check or diff or cli.json):
        raise UsageError("--watch writes, again and again: it goes with neither --check, --diff nor --json")
    settings = cli.written_settings
    if watch:
        keep_generating(settings, cli.output, no_docs=no_docs)
    if check or diff:
        changes = _plan(cli, settings, no_docs=no_docs)
        return ExitCode.NO if changes is None else _say_stale(cli, settings, changes, diff=diff)
    with generating(settings.root, cli.output):
        complete_changes(settings.package_folder)
        changes = _plan(cli, settings, no_docs=no_docs)
        if changes is None:
            return ExitCode.NO
        apply_changes(changes)
    _say_written(cli, settings, changes)
    return ExitCode.DONE


def _plan(cli: Cli, settings: "Settings", *, no_docs: bool) -> "Changes | None":
    """What is to be changed; None, with the reasons said, where nothing may be generated."""
    from pyflow_cli.generation import planned_changes, stopping_findings
    from pyflow_cli.inspection import count, inspect

    metadata = inspect(settings)
    refused = stopping_findings(metadata)
    if refused:
        _refuse(cli, settings, refused)
        return None
    if not metadata.workflows:
        cli.output.warning(f"no workflow was found in {settings.root / settings.source}")
    if metadata.diagnostics:
        cli.output.prose(f"{count(metadata.diagnostics)}: see `pyflow check`")
    return planned_changes(settings, metadata, no_docs=no_docs)


def _refuse(cli: Cli, settings: "Settings", findings: "list[Diagnostic]") -> None:
    from pyflow_cli.inspection import count
    from pyflow_inspector import render_text

    cli.output.prose(render_text(findings, settings.root, color=cli.output.color))
    cli.output.error(f"nothing was generated: {count(findings)}")


def _say_stale(cli: Cli, settings: "Settings", changes: "Changes", *, diff: bool) -> ExitCode:
    shown = settings.package_folder.relative_to(settings.root).as_posix()
    if cli.json:
        _say_json(cli, changes, written=False)
    elif diff:
        cli.output.data(changes.diff(shown))
    if not changes.paths:
        cli.output.prose(f"{shown} is up to date")
        return ExitCode.DONE
    for path in changes.paths:
        cli.output.prose(f"out of date: {shown}/{path}")
    cli.output.error(f"{shown} is out of date", ("pyflow generate",))
    return ExitCode.NO


def _say_written(cli: Cli, settings: "Settings", changes: "Changes") -> None:
    shown = settings.package_folder.relative_to(settings.root).as_posix()
    for path in sorted(changes.written):
        cli.output.detail(f"wrote {shown}/{path}")
    for path in changes.removed:
        cli.output.detail(f"removed {shown}/{path}")
    if changes.paths:
        cli.output.prose(f"{shown}: wrote {len(changes.written)}, removed {len(changes.removed)}")
    else:
        cli.output.prose(f"{shown} is up to date")
    if cli.json:
        _say_json(cli, changes, written=True)


def _say_json(cli: Cli, changes: "Changes", *, written: bool) -> None:
    cli.output.json(
        {"version": 1, "written": written, "changed": sorted(changes.written), "removed": list(changes.removed)}
    )
