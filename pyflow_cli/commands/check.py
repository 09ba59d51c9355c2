"""`pyflow check`: what will go wrong, found in the source."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, brief_command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.finding_format import Format, render
from pyflow_cli.output import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector import Findings


class FailOn(StrEnum):
    """From which severity on the answer is no."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


@brief_command
def check(
    cli: Cli,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Only these files or folders.")
    ] = None,
    *,
    form: Annotated[
        Format | None, typer.Option("--format", help="How findings are printed.", show_default="text")
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option("--fail-on", help="Exit 1 for findings of this severity or a graver one.", show_default="error"),
    ] = None,
    select: Annotated[list[str] | None, typer.Option("--select", metavar="CODE", help="Only these codes.")] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", metavar="CODE", help="Not these codes.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely, then check.")] = False,
    unsafe_fixes: Annotated[
        bool, typer.Option("--unsafe-fixes", help="Mend also where the meaning may change: look at the difference.")
    ] = False,
) -> ExitCode:
    """Find what would go wrong, before it runs.

    Names, RPCs, determinism, wiring and types are checked in the source, which is never imported.
    """
    from pyflow_cli import inspection

    settings = cli.settings
    wanted = _codes("--select", select), _codes("--ignore", ignore)

    def look() -> "tuple[Findings, list[Diagnostic]]":
        found = inspection.find(settings, select=wanted[0], ignore=wanted[1])
        findings = list(found.diagnostics)
        return found, inspection.below(findings, paths, settings.root) if paths else findings

    if fix or unsafe_fixes:
        _repair(cli, lambda: look()[1], unsafe=unsafe_fixes)
    found, findings = look()
    form = form or (Format.JSON if cli.json else Format.TEXT)
    cli.output.data(render(form, findings, settings.root, color=cli.output.color))
    counted = inspection.count(findings)
    cli.output.prose(
        counted or f"no findings in {_number(found.workflows, 'workflow')} and {_number(found.rpcs, 'RPC')}"
    )
    failing = inspection.at_least(findings, fail_on or settings.fail_on)
    return ExitCode.NO if failing else ExitCode.DONE


def _repair(cli: Cli, find: "Callable[[], list[Diagnostic]]", *, unsafe: bool) -> None:
    from pyflow_cli import inspection
    from pyflow_cli.repair import repair

    for one in repair(inspection.inspector_settings(cli.settings), find, unsafe=unsafe):
        assert one.fix is not None
        place = f"{one.file}:{one.line}:{one.column}"
        cli.output.prose(one_line(f"fixed {one.code} at {place}: {one.fix.description}"))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _codes(option: str, given: list[str] | None) -> tuple[str, ...]:
    """Codes and families, separated by commas or given one by one.

    Raises:
        UsageError: no rule has such a code.
    """
    if not given:
        return ()  # and no rule need be imported
    from pyflow_cli import inspection
    from pyflow_core.errors import UsageError
    from pyflow_core.suggest import did_you_mean

    codes = tuple(code.strip().upper() for item in given for code in item.split(",") if code.strip())
    for code in codes:
        if not inspection.is_code(code):
            near = did_you_mean(code, inspection.known_codes())
            raise UsageError(f"{option}: no finding has the code {code!r}{near}")
    return codes
