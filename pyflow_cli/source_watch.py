"""Noticing that somebody has saved a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pyflow_cli.generation import source_files

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_cli.settings import Settings

LOOK_SECONDS = 0.4


class SourceWatch:
    """The files of a project as they were when they were last looked at."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen = self._look()

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


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
