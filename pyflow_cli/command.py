"""What all commands share: the common options, the streams, and how they end.

A command is a function whose first parameter is a `Cli`. `command` gives it the options that every command has.
"""

import gc
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

from pyflow_cli.exit_code import ExitCode
from pyflow_cli.output import Output, wants_color

if TYPE_CHECKING:
    from pyflow_cli.settings import Settings

P = ParamSpec("P")

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project", metavar="DIR", help="Folder of the project: its pyproject.toml is looked for from here upwards."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors on standard error.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more, and show tracebacks.")]
VersionOption = Annotated[bool, typer.Option("--version", help="Print the version and leave.")]
NoColorOption = Annotated[bool, typer.Option("--no-color", help="Write no colours.")]

COMMON_OPTIONS: dict[str, tuple[Any, Any]] = {
    "project": (ProjectOption, None),
    "json": (JsonOption, False),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
    "no_color": (NoColorOption, False),
}


@dataclass(frozen=True)
class Cli:
    """What was said before and after the command's name that holds for all commands."""

    project: Path | None = None
    json: bool = False
    output: Output = field(default_factory=Output)

    @cached_property
    def settings(self) -> "Settings":
        """The settings of the project, the environment's included."""
        from pyflow_cli.settings import load_settings

        return load_settings(self.project or Path.cwd(), os.environ)

    @cached_property
    def written_settings(self) -> "Settings":
        """The settings of the project as its file says, whatever the environment holds."""
        from pyflow_cli.settings import load_settings

        return load_settings(self.project or Path.cwd(), {})


def command(function: Callable[Concatenate[Cli, P], int | None]) -> Callable[..., None]:
    """The function as a Typer command: with the common options, and with every failure turned into an exit code."""
    return _typer_command(function, is_brief=False)


def brief_command(function: Callable[Concatenate[Cli, P], int | None]) -> Callable[..., None]:
    """The same for a command that ends soon, and need not look for cycles in what it makes meanwhile."""
    return _typer_command(function, is_brief=True)


def _typer_command(function: Callable[Concatenate[Cli, P], int | None], *, is_brief: bool) -> Callable[..., None]:
    def invoke(context: typer.Context, **arguments: Any) -> None:
        if not is_brief:
            gc.enable()  # `main` has disabled it
        given = {name: arguments.pop(name) for name in COMMON_OPTIONS}
        cli = make_cli(context.obj or {}, given)
        raise typer.Exit(run(lambda: function(cli, **arguments), cli.output))  # type: ignore[call-arg]

    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[p.name]) for p in own),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in COMMON_OPTIONS.items()
        ),
    ]
    invoke.__name__ = function.__name__
    invoke.__doc__ = function.__doc__
    invoke.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    invoke.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return invoke


def remember(context: typer.Context, **given: Any) -> None:
    """Keep what was said before the name of a command for the command."""
    before: dict[str, Any] = context.obj or {}
    context.obj = {name: given[name] or before.get(name) for name in COMMON_OPTIONS}


def make_cli(before: dict[str, Any], after: dict[str, Any]) -> Cli:
    """The common options, whether they were said before the command's name or after it."""
    said = {name: after.get(name) or before.get(name) for name in COMMON_OPTIONS}
    output = Output(
        quiet=bool(said["quiet"]),
        verbose=bool(said["verbose"]),
        color=wants_color(no_color=bool(said["no_color"])),
    )
    return Cli(project=said["project"], json=bool(said["json"]), output=output)


def run(action: Callable[[], int | None], output: Output) -> int:
    """Do it, and return the exit code, whatever happens."""
    try:
        code = action() or ExitCode.DONE
        sys.stdout.flush()
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more at exit and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    except typer.Exit as exit_:
        return exit_.exit_code
    except Exception as error:  # noqa: BLE001 - this is the last handler: it names what it caught
        from pyflow_cli.failure import report

        return report(error, output)
    return code
