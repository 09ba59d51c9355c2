"""The generated package and the user's modules, imported; whatever goes wrong there is the user's, in one line."""

from __future__ import annotations

import importlib
import sys
import traceback
from contextlib import asynccontextmanager, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyflow_cli.generation import RUNNING_SIDE, is_stale
from pyflow_core.errors import PyflowError, UsageError
from pyflow_core.project import Project
from pyflow_core.wiring import current_registry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from pyflow_cli.command import Cli
    from pyflow_cli.settings import Settings
    from pyflow_core.client import Client


class UserCodeError(UsageError):
    """Code of the project raised an exception."""

    code = "user_code"


class NotGeneratedError(UsageError):
    """There is no generated package, or it does not fit the source any more."""

    code = "not_generated"


@dataclass(frozen=True)
class LoadedProject:
    """A project whose modules are imported."""

    project: Project
    settings: Settings

    @asynccontextmanager
    async def connect(self, **overrides: Any) -> AsyncGenerator[Client]:
        """`project.connect`; what code of the project raises meanwhile is told as the user's."""
        with _blaming(self.settings):
            async with self.project.connect(**overrides) as client:
                yield client


def load_project(cli: Cli, *, generated_now: bool = False) -> LoadedProject:
    """Import the project that the settings name.

    What user code prints while it is imported goes to standard error, since standard output is for data. Whether the
    generated package fits the source is not asked if it was `generated_now`.

    Raises:
        NotGeneratedError: `pyflow generate` is to be run first.
        UserCodeError: a module of the project cannot be imported.
    """
    settings = cli.settings
    if not (settings.package_folder / RUNNING_SIDE).is_file():
        raise _not_generated(f"there is no generated package {settings.package!r} in {settings.root}")
    source = str(settings.root / settings.source)
    if source in sys.path:
        sys.path.remove(source)
    sys.path.insert(0, source)
    with redirect_stdout(sys.stderr):
        project = _import_project(settings)
        _import_modules(settings, project)
    if not generated_now and (_misfits(project) or is_stale(cli.written_settings, project)):
        raise _out_of_date(settings)
    return LoadedProject(project, settings)


def _import_project(settings: Settings) -> Project:
    with _blaming(settings):
        try:
            module = importlib.import_module(f"{settings.package}.{RUNNING_SIDE.removesuffix('.py')}")
        except Exception as error:
            if _last_frame(error).is_relative_to(settings.package_folder):
                raise _out_of_date(settings) from error
            raise
    found = getattr(module, "project", None)
    if not isinstance(found, Project):
        raise _out_of_date(settings)
    return found


def _import_modules(settings: Settings, project: Project) -> None:
    for name in project.modules:
        with _blaming(settings):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name is not None and f"{name}.".startswith(f"{error.name}."):
                    raise _out_of_date(settings) from error
                raise


def _misfits(project: Project) -> bool:
    """Whether other workflows are wired than were generated."""
    return {plan.name for plan in project.workflows} != set(current_registry().workflows)


def _out_of_date(settings: Settings) -> NotGeneratedError:
    return _not_generated(f"the generated package {settings.package!r} is out of date")


def _not_generated(message: str) -> NotGeneratedError:
    return NotGeneratedError(f"{message}: run `pyflow generate`")


# --- whose fault it is


@contextmanager
def _blaming(settings: Settings) -> Generator[None]:
    """Tell an exception that code of the project raised as such."""
    try:
        yield
    except (NotGeneratedError, UserCodeError):
        raise
    except (Exception, SystemExit) as error:
        place = _place(error, settings)
        if place is None:
            raise
        raise UserCodeError(f"{place}: {_describe(error)}") from error


def _place(error: BaseException, settings: Settings) -> str | None:
    """`app/workflows.py:12`: the innermost line of the project; None if it raised from elsewhere."""
    if isinstance(error, SyntaxError) and error.filename:
        return _shown(Path(error.filename), error.lineno, settings)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(settings.root) and "site-packages" not in path.parts:
            return _shown(path, frame.lineno, settings)
    return None


def _shown(path: Path, line: int | None, settings: Settings) -> str:
    shown = path.relative_to(settings.root) if path.is_relative_to(settings.root) else path
    return f"{shown.as_posix()}:{line or 1}"


def _describe(error: BaseException) -> str:
    if isinstance(error, PyflowError):
        return error.message
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _last_frame(error: BaseException) -> Path:
    frames = traceback.extract_tb(error.__traceback__)
    return Path(frames[-1].filename) if frames else Path()
