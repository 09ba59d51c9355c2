"""A folder of write-once files: each appears whole and synced under its name, or not at all.

A file is written under a temporary name and synced; then it is linked to its own name, which fails if that is taken;
then the folders on the way to it are synced, so that the name survives a power cut too.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from typing import IO, TYPE_CHECKING

from pyflow_core.errors import PayloadForbiddenError, PayloadStoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyflow_core.errors import PayloadError

TEMPORARY = ".tmp"
"""No key begins with a dot and this name."""
_ABANDONED_SECONDS = 24 * 3600
_TRIES = 10
_COPY_BYTES = 1024 * 1024

_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)


class Folder:
    """Every method blocks, and is called in a thread."""

    def __init__(self, root: Path, *, sync: bool) -> None:
        self.root = root
        self._sync_files = sync

    def prepare(self) -> None:
        """See that the folder can be one, and clear away what writers left long ago."""
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(self.root))
        if self.root.parent.exists() and not self.root.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(self.root.parent))
        for path in self._temporary_files():
            if time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)

    def create(self, key: str, write: Callable[[IO[bytes]], object]) -> bool:
        """Make a file of what `write` writes; False if the name is taken."""
        path = self.path(key)
        if path.exists():
            self._sync_way(path.parent)  # whoever made it may not have come so far
            return False
        self._make_root()
        temporary = self.root / TEMPORARY / uuid.uuid4().hex
        try:
            with temporary.open("xb") as file:
                write(file)
                file.flush()
                if self._sync_files:
                    os.fsync(file.fileno())
            return self._link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def open(self, key: str) -> IO[bytes] | None:
        """The file of a key; None if there is none."""
        try:
            descriptor = os.open(self.path(key), os.O_RDONLY | _NO_FOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return None
        file = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            file.close()
            return None
        return file

    def status(self, key: str) -> os.stat_result | None:
        """Size and time of a file; None if there is none."""
        try:
            found = self.path(key).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found if stat.S_ISREG(found.st_mode) else None

    def entries(self, prefix: str) -> Iterator[list[tuple[str, os.stat_result]]]:
        """The files below a prefix, folder by folder; symbolic links are neither followed nor listed."""
        pending = [prefix]
        while pending:
            inner = pending.pop()
            files, folders = self._scan(inner)
            pending += folders
            if files:
                yield files

    def remove(self, key: str) -> None:
        """Delete a file, and the folders that are empty then."""
        path = self.path(key)
        try:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self.root:
                    break
                parent.rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR}:
                raise

    def path(self, key: str) -> Path:
        """Where a key lies.

        Raises:
            PayloadForbiddenError: a symbolic link stands in the way, which might lead out of the store.
        """
        path = self.root
        *folders, name = key.split("/")
        for segment in folders:
            path /= segment
            if path.is_symlink():
                raise PayloadForbiddenError(f"{path} is a symbolic link, and a payload store holds none: remove it")
        return path / name

    def _make_root(self) -> None:
        if not self.root.is_dir():
            self.root.mkdir(parents=True, exist_ok=True)
            if self._sync_files:
                for above in self.root.parents:
                    self._sync_folder(above)
        (self.root / TEMPORARY).mkdir(exist_ok=True)

    def _link(self, temporary: Path, path: Path) -> bool:
        for _ in range(_TRIES):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(temporary, path)
            except FileExistsError:
                self._sync_way(path.parent)
                return False
            except FileNotFoundError:
                continue  # somebody deleted the last other file of this folder, and so the folder
            self._sync_way(path.parent)
            return True
        raise FileNotFoundError(errno.ENOENT, "the folder vanishes again and again", str(path.parent))

    def _sync_way(self, folder: Path) -> None:
        """Sync a folder and those above it, up to the store's own: whoever made them may not have come so far.

        A folder in which nothing is new costs next to nothing.
        """
        if not self._sync_files:
            return
        for step in (folder, *folder.parents):
            self._sync_folder(step)
            if step == self.root:
                break

    def _sync_folder(self, folder: Path) -> None:
        if os.name == "nt":
            return
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except (FileNotFoundError, PermissionError):
            return  # it is empty and gone, or too far above to be ours
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _scan(self, prefix: str) -> tuple[list[tuple[str, os.stat_result]], list[str]]:
        files: list[tuple[str, os.stat_result]] = []
        folders: list[str] = []
        try:
            with os.scandir(self.path(f"{prefix}x").parent) as found:
                for entry in found:
                    if prefix or entry.name != TEMPORARY:
                        self._sort(entry, prefix, files, folders)
        except (FileNotFoundError, NotADirectoryError):
            pass
        return files, folders

    def _sort(
        self, entry: os.DirEntry[str], prefix: str, files: list[tuple[str, os.stat_result]], folders: list[str]
    ) -> None:
        if entry.is_dir(follow_symlinks=False):
            folders.append(f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            try:
                files.append((f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                return

    def _temporary_files(self) -> list[Path]:
        try:
            return list((self.root / TEMPORARY).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []


def copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a file in pieces."""
    while piece := source.read(_COPY_BYTES):
        target.write(piece)


def told(error: OSError, root: Path) -> PayloadError:
    """A failure of the file system as an error of the store."""
    why = {
        errno.ENOSPC: "the disk is full: make room and try again",
        errno.EDQUOT: "the quota is used up: make room and try again",
        errno.EROFS: "the file system is read-only: mount it for writing",
        errno.EACCES: "permission denied: check the permissions of the folder",
        errno.EPERM: "the file system takes no hard links, or forbids this: keep payloads on another one",
        errno.EOPNOTSUPP: "the file system takes no hard links: keep payloads on another one",
        errno.ENOTDIR: "it, or something above it, is no folder: name another place",
        errno.ELOOP: "a symbolic link stands where a payload should: remove it",
    }.get(error.errno or 0, error.strerror or type(error).__name__)
    return PayloadStoreUnavailableError(f"the payload store in {root} cannot be used: {why}")
