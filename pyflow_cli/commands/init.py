"""`pyflow init`: a small project that runs."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from pyflow_cli.command import Cli, brief_command
from pyflow_cli.exit_code import ExitCode


@brief_command
def init(
    cli: Cli,
    folder: Annotated[str, typer.Argument(metavar="[DIR]", help="Where; made if it is not there.")] = ".",
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the package; made of the folder's if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files that are there.")] = False,
) -> ExitCode:
    """Write a small project that runs."""
    from pyflow_cli.codegen.write import Changes, apply_changes
    from pyflow_cli.starter import package_name, render_starter

    root = _root(cli, folder)
    package = package_name(root, name)
    files = render_starter(package)
    _refuse_overwriting(root, files, force=force)
    apply_changes(Changes(root, files, (), {}))
    for path in sorted(files):
        cli.output.detail(f"wrote {path}")
    cli.output.prose(f"wrote {len(files)} files of the package {package!r}; next:")
    if root != Path.cwd():
        cli.output.prose(f"  cd {shlex.quote(os.path.relpath(root))}")
    cli.output.prose("  pyflow generate")
    cli.output.prose("  pyflow dev")
    if cli.json:
        cli.output.json({"version": 1, "package": package, "written": sorted(files)})
    return ExitCode.DONE


def _root(cli: Cli, folder: str) -> Path:
    from pyflow_core.errors import UsageError

    if not folder or not folder.isprintable():
        raise UsageError(f"{folder!r} is no name for a folder")
    root = (cli.project or Path.cwd()).joinpath(folder).resolve()
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file, and no folder")
    return root


def _refuse_overwriting(root: Path, files: dict[str, str], *, force: bool) -> None:
    from pyflow_core.errors import UsageError

    there = [path for path in sorted(files) if os.path.lexists(root / path)]
    for path in there:
        if (root / path).is_dir():
            raise UsageError(f"{root / path} is a folder, where a file is to be written")
    if there and not force:
        error = UsageError(f"{root} holds {', '.join(there)} already")
        error.add_note("--force overwrites them; in a project of your own, add [tool.pyflow] to its pyproject.toml")
        raise error
