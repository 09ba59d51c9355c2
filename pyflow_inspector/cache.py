"""What has been read once and need not be read again, as files of JSON lines in a folder of the project.

Nothing here can fail: a cache that cannot be read is empty, and one that cannot be written stays as it is. Entries are
found by content, never by time, and are put in place whole, so that several processes may share a folder: the last one
that writes an entry has it, and the others lose a little time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_IGNORED_BY_GIT = "*\n"
_SPARE = 64
"""How many entries that nobody asked for may stay."""


class Cache:
    """The entries of one folder, each some lines of JSON under a name, valid for one key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked: set[str] = set()
        self._is_writable = True
        self._has_written = False

    def load(self, name: str, key: str) -> list[bytes] | None:
        """What was stored under `name`, if it was for the same `key`."""
        file = _file_name(name)
        self._asked.add(file)
        try:
            head, _, body = (self._folder / file).read_bytes().partition(b"\n")
        except OSError:
            return None
        return body.split(b"\n") if head == _head(key, body) else None

    def store(self, name: str, key: str, lines: Iterable[bytes]) -> None:
        """Keep some lines; they take the place of what was under `name`."""
        file = _file_name(name)
        self._asked.add(file)
        if self._is_writable:
            body = b"\n".join(lines)
            try:
                self._write(file, _head(key, body) + b"\n" + body)
            except OSError:
                self._is_writable = False

    def _write(self, file: str, data: bytes) -> None:
        if not self._has_written:
            self._folder.mkdir(parents=True, exist_ok=True)
            ignore = self._folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text(_IGNORED_BY_GIT, encoding="utf-8")
            self._has_written = True
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor has no path
                stream.write(data)
            os.replace(temporary, self._folder / file)  # noqa: PTH105 - both are names in one folder
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - the same
            raise

    def tidy(self) -> None:
        """Remove what nobody asked for, once there is much of it."""
        if not self._has_written:
            return
        with contextlib.suppress(OSError):
            others = [entry.name for entry in os.scandir(self._folder) if entry.name not in self._asked]
            if len(others) > len(self._asked) + _SPARE:
                _remove(self._folder, (name for name in others if name != ".gitignore"))


def digest_of(parts: Iterable[object], *, length: int = 64) -> str:
    """Of texts and other things that show themselves exactly."""
    return hashlib.sha256("\0".join(map(repr, parts)).encode(errors="surrogatepass")).hexdigest()[:length]


def _head(key: str, body: bytes) -> bytes:
    """What an entry begins with: for what it is valid, and that it is whole."""
    return f'["{key}","{hashlib.sha256(body).hexdigest()}"]'.encode()


def _file_name(name: str) -> str:
    return f"{digest_of([name], length=32)}.json"


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):
            (folder / name).unlink()
