"""Where the files of a project lie, as other programs want to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def path_from(base: Path, root: Path, file: str) -> str:
    """`file` of the project at `root`, counted from `base`; from `root`, where `base` is no folder above it."""
    above = root.resolve()
    folder = base.resolve()
    if not above.is_relative_to(folder):
        return file
    return (above.relative_to(folder) / file).as_posix()
