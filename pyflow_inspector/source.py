"""Which files a project consists of, and under which module name each is imported."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

from pyflow_inspector.glob import path_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.settings import InspectorSettings

_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages"}


@dataclass(frozen=True)
class SourceFile:
    """One Python file: where it lies, how findings call it, and how it is imported."""

    path: Path
    file: str
    """Relative to the project's root, with forward slashes."""
    module: str
    is_package: bool

    @cached_property
    def data(self) -> bytes:
        """The bytes of the file, read once."""
        return self.path.read_bytes()

    @cached_property
    def digest(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


class SourceIndex:
    """The files of a project by module name, and what each name stands for."""

    def __init__(self, sources: dict[str, SourceFile]) -> None:
        self.sources = sources
        self.packages = {package for name in sources for package in _with_packages(name)}

    def digest(self, name: str) -> str | None:
        """What changes with all that can be known of a module by its name; nothing if there is none."""
        source = self.sources.get(name)
        if source is not None:
            return f"{source.digest} {source.file}"
        return "package" if name in self.packages else None


def find_sources(settings: InspectorSettings) -> dict[str, SourceFile]:
    """Every file below `settings.source`, by module name, in the order of the names.

    Folders that are no packages by their names are of another kind. A file whose name cannot be imported, beside
    others that can, is taken for a mistake: what it wires is refused, and not passed over.
    """
    found: dict[str, SourceFile] = {}
    generated = settings.package.replace(".", "/")
    from_root = Path(os.path.relpath(settings.source, settings.root)).as_posix()
    for below_source in _python_files(settings.source):
        stem = below_source.removesuffix(".py")
        if stem == generated or stem.startswith(f"{generated}/"):
            continue
        file = below_source if from_root == "." else f"{from_root}/{below_source}"
        if any(path_matches(glob, file) for glob in settings.exclude):
            continue
        source = _source_file(settings.source / below_source, file, stem)
        if source is not None and (source.is_package or source.module not in found):
            found[source.module] = source
    return dict(sorted(found.items()))


def is_importable(module: str) -> bool:
    """Whether other modules, those of the generated package among them, can import a module of this name."""
    named = all(part.isidentifier() and not iskeyword(part) for part in module.split("."))
    return named and module != "__main__"


def _source_file(path: Path, file: str, stem: str) -> SourceFile | None:
    segments = stem.split("/")
    is_package = segments[-1] == "__init__"
    if is_package:
        segments.pop()
    if not segments or "." in segments[-1] or not all(segment.isidentifier() for segment in segments[:-1]):
        return None
    return SourceFile(path, file, ".".join(segments), is_package)


def _python_files(folder: Path) -> Iterator[str]:
    """Their paths from there, with forward slashes."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_source_folder(Path(parent), name))
        below = Path(parent).relative_to(folder).as_posix()
        prefix = "" if below == "." else f"{below}/"
        yield from (f"{prefix}{name}" for name in sorted(files) if name.endswith(".py") and name != ".py")


def _is_source_folder(parent: Path, name: str) -> bool:
    if name.startswith(".") or name in _SKIPPED_FOLDERS:
        return False
    return not (parent / name / "pyvenv.cfg").exists()


def _with_packages(module: str) -> list[str]:
    """`a.b.c`, `a.b`, `a`."""
    names = [module]
    while "." in names[-1]:
        names.append(names[-1].rpartition(".")[0])
    return names
