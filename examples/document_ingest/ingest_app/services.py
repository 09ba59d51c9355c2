"""What the functions are given by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest_app.index import Index
from ingest_app.sources import library_root

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Library:
    """Where packages are installed, and where indexes are kept."""

    packages: Path
    indexes: Path

    def index(self, name: str) -> Index:
        """The index of a file; a relative one counts from the project."""
        return Index(self.indexes / name)


@dataclass(frozen=True)
class Services:
    """A function's keyword-only parameter takes the attribute of the same name."""

    library: Library


def create_services() -> Services:
    """The packages of this environment."""
    return Services(library=Library(packages=library_root(), indexes=ROOT))
