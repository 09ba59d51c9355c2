"""Noticing that somebody has saved a file."""

from __future__ import annotations

import gc
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from pyflow_cli.generation import regenerate, source_files
from pyflow_cli.settings import load_settings
from pyflow_core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_cli.output import Output
    from pyflow_cli.settings import Settings

LOOK_SECONDS = 0.4


class SourceWatch:
    """The files of a project as they were when they were last looked at."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen = self._look()

    def follow(self, settings: Settings) -> None:
        """Look at the files of these settings from now on."""
        self._settings = settings

    def changed(self) -> list[str]:
        """The files that came, went or changed since the last time, relative to the project's root."""
        now = self._look()
        names = {path for path in {*now, *self._seen} if now.get(path) != self._seen.get(path)}
        self._seen = now
        return sorted(path.relative_to(self._settings.root).as_posix() for path in names)

    def wait(self) -> list[str]:
        """Return when something has changed."""
        while True:
            time.sleep(LOOK_SECONDS)
            if changed := self.changed():
                return changed

    def _look(self) -> dict[Path, tuple[int, int]]:
        files = [*source_files(self._settings), self._settings.root / "pyproject.toml"]
        return {path: stamp for path in files if (stamp := _stamp(path)) is not None}


def keep_generating(settings: Settings, output: Output, *, no_docs: bool) -> NoReturn:
    """Generate now and whenever a file is saved, until somebody interrupts; what is wrong is said, and waited for."""
    gc.enable()  # there is no end to it, as there is to `generate`
    watch = SourceWatch(settings)
    while True:
        if regenerate(settings.root, output, no_docs=no_docs):
            output.prose("watching: Ctrl-C ends")
        else:
            output.prose("waiting for a file to be saved")
        output.prose(describe(watch.wait()))
        with suppress(UsageError):
            watch.follow(load_settings(settings.root, {}))


def describe(changed: list[str]) -> str:
    """What has changed, on one line."""
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]}{more} changed"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
