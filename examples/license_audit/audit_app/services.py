"""What the functions are given by name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core import Step

ROOT = Path(__file__).resolve().parents[1]


class Ledger:
    """Appends a line for every step that was executed, so that one can count what ran twice.

    It is a witness for the demo and the tests, beside pyflow's own records. Without a file it writes nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def note(self, step: Step) -> None:
        """Say that the step's work was done; one write, so that lines of several processes stay whole."""
        if self._path is None:
            return
        entry = {"step": step.step_name, "run": step.run_id, "attempt": step.attempt, "pid": os.getpid()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(entry).encode() + b"\n")


class Reports:
    """Writes files below a folder; a relative folder counts from `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, folder: str, files: dict[str, str]) -> list[str]:
        """Write each file whole or not at all, so that writing the report a second time does no harm."""
        target = self._root / folder
        target.mkdir(parents=True, exist_ok=True)
        return [str(_replace(target / name, text)) for name, text in files.items()]


def _replace(path: Path, text: str) -> Path:
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    return Path(file.name).replace(path)


@dataclass(frozen=True)
class Services:
    """A function's keyword-only parameter takes the attribute of the same name."""

    ledger: Ledger
    reports: Reports


def create_services() -> Services:
    """`AUDIT_LEDGER` names the file of the ledger."""
    ledger = os.environ.get("AUDIT_LEDGER")
    return Services(ledger=Ledger(Path(ledger) if ledger else None), reports=Reports(ROOT))
