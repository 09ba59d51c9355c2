"""A lock of the operating system that a process holds while it lives.

It is on a file beside the database, so that a process that is gone is known to be gone at once; a lease's expiry is for
those that are stopped or hung. Locks are those of an open file: asking for one twice in a process conflicts, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Collection

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


STRAY_SECONDS = 60.0

_held: WeakSet[FileLock] = WeakSet()
"""All locks of this process, for a child that is forked from it."""


class FileLock:
    """A held lock. Made by `take`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        _held.add(self)

    @classmethod
    def take(cls, path: Path, *, create: bool) -> FileLock | None:
        """Take the lock of this file; None if somebody holds it, or there is no such file and none is to be made."""
        try:
            descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o644)
        except FileNotFoundError:
            if create:
                raise
            return None
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def remove(self) -> None:
        """Remove the file, then let go, so that nobody takes a lock on a file that is about to go."""
        if sys.platform == "win32":
            # An open file cannot be removed there.
            os.close(self._descriptor)
            self._path.unlink(missing_ok=True)
        else:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
        _held.discard(self)

    def release(self) -> None:
        """Let go and leave the file."""
        os.close(self._descriptor)
        _held.discard(self)


def _leave_to_the_parent() -> None:
    """In a forked child: give up its share of the parent's locks, which would outlive the parent with it.

    A program that is executed inherits none, because Python closes such files at `exec`.
    """
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)


class LockFolder:
    """The folder of the lock files of one database."""

    def __init__(self, database: Path) -> None:
        self._folder = database.with_name(f"{database.name}.workers")

    def _path(self, member: str) -> Path:
        return self._folder / f"{quote(member, safe='')}.lock"

    def hold(self, member: str) -> FileLock:
        """Take the lock of a member of this process.

        Raises:
            FileExistsError: somebody else holds it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock.take(self._path(member), create=True)
        if lock is None:
            raise FileExistsError(f"{self._path(member)} is locked by another process")
        return lock

    def take_over(self, member: str) -> FileLock | None:
        """Take the lock of a member whose process is gone; None if it is there, or nothing can be told."""
        return FileLock.take(self._path(member), create=False)

    def forget(self, member: str) -> None:
        """Remove the file of a member whose lock cannot be taken."""
        self._path(member).unlink(missing_ok=True)

    def take_strays(self, members: Collection[str]) -> list[FileLock]:
        """Take the locks of files of nobody: their processes died before they were entered as members, or long ago.

        A young file is left alone, because it is made a moment before it is locked.
        """
        known = {self._path(member).name for member in members}
        young = time.time() - STRAY_SECONDS
        try:
            strays = [
                Path(entry)
                for entry in os.scandir(self._folder)
                if entry.name not in known and entry.stat().st_mtime < young
            ]
        except FileNotFoundError:  # no folder yet, or a file that went meanwhile: the next look will do
            return []
        return [lock for path in strays if (lock := FileLock.take(path, create=False)) is not None]


@cache
def boot_id() -> str:
    """What tells one boot of this machine from another; monotonic clocks compare within one only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _boot_session()


def _boot_session() -> str:
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no input of anyone
        if answer.stdout.strip():
            return answer.stdout.strip()
    # Then a restart is told by the locks alone: none survives it.
    return "unknown"
