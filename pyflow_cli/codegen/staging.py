"""Moving many files into place as one step that either happens or does not.

Everything is written into a folder beside its place first, with links to what is there now. Then a journal is put
into it, which says what is to be moved and removed: before that moment nothing has happened, and after it everything
will. An error after it is undone from the links; a process that dies after it leaves the journal, and whoever
generates next completes it. That holds for the death of a process, not for the loss of power.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PREFIX = ".generate-"
_JOURNAL = "journal.json"
_LAST = ("_project.py", "__init__.py", "blocking.py")
"""What reads other files of the package takes its place after them."""


def replace_files(folder: Path, written: Mapping[str, str], removed: Sequence[str]) -> None:
    """Write and remove files below `folder`, all or none of them.

    Raises:
        OSError: it could not be done; everything is as it was before.
    """
    if not written and not removed:
        return
    made = _make_folders(folder)
    staging = folder / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    journal = {"written": sorted(written, key=_order), "removed": list(removed)}
    try:
        _stage(staging, folder, written, removed)
        _write(staging / f"{_JOURNAL}.new", json.dumps(journal))
        (staging / f"{_JOURNAL}.new").replace(staging / _JOURNAL)
        _move_or_undo(staging, folder, journal)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()


def complete(folder: Path) -> bool:
    """Complete, or clear away, what processes that died have left in `folder`; whether files were changed.

    Raises:
        OSError: it cannot be done.
    """
    changed = False
    for staging in sorted(folder.glob(f"{PREFIX}*")):
        if not _is_alive(staging.name):
            journal = _read_journal(staging / _JOURNAL)
            if journal is not None:
                _move(staging, folder, journal)
                changed = True
            shutil.rmtree(staging)
    return changed


def _order(path: str) -> tuple[int, str]:
    return (_LAST.index(path) + 1 if path in _LAST else 0, path)


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and its parents; those that were not there."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
    if not missing and not folder.is_dir():
        raise NotADirectoryError(20, "is a file, and no folder", str(folder))
    return missing[::-1]


def _stage(staging: Path, folder: Path, written: Mapping[str, str], removed: Iterable[str]) -> None:
    staging.mkdir()
    for path, text in written.items():
        new = staging / "new" / path
        new.parent.mkdir(parents=True, exist_ok=True)
        _write(new, text)
    for path in (*written, *removed):
        if (folder / path).exists():
            old = staging / "old" / path
            old.parent.mkdir(parents=True, exist_ok=True)
            _keep(folder / path, old)


def _keep(target: Path, old: Path) -> None:
    try:
        os.link(target, old)
    except OSError:
        # Some file systems have no links.
        shutil.copy2(target, old)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)


def _move_or_undo(staging: Path, folder: Path, journal: Mapping[str, Sequence[str]]) -> None:
    try:
        _move(staging, folder, journal)
    except BaseException:
        _undo(staging, folder, journal)
        raise


def _move(staging: Path, folder: Path, journal: Mapping[str, Sequence[str]]) -> None:
    for path in journal["written"]:
        new = staging / "new" / path
        if new.exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            new.replace(folder / path)
    for path in journal["removed"]:
        (folder / path).unlink(missing_ok=True)


def _undo(staging: Path, folder: Path, journal: Mapping[str, Sequence[str]]) -> None:
    for path in (*journal["written"], *journal["removed"]):
        old = staging / "old" / path
        if old.exists():
            old.replace(folder / path)
        elif not (staging / "new" / path).exists():
            (folder / path).unlink(missing_ok=True)
            with suppress(OSError):
                (folder / path).parent.rmdir()


def _read_journal(path: Path) -> dict[str, list[str]] | None:
    """The journal, if there is one, and it speaks of files below the folder alone."""
    try:
        journal: Any = json.loads(path.read_text(encoding="utf-8"))
        paths = {name: [str(item) for item in journal[name]] for name in ("written", "removed")}
    except (OSError, ValueError, TypeError, LookupError):
        return None
    parts = {part for items in paths.values() for item in items for part in item.split("/")}
    return None if parts & {"", ".", ".."} else paths


def _is_alive(name: str) -> bool:
    """Whether the process whose folder this is still runs."""
    number = name.removeprefix(PREFIX).partition("-")[0]
    if not number.isdigit() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
