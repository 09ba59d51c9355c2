"""Reads installed distributions: their metadata, their license files, and every byte that their RECORD lists."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distributions
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from audit_app.classify import Declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 1 << 20
MAX_LICENSE_FILE = 512 * 1024

_LICENSE_FILE = re.compile(r"(?:un)?licen[cs]e|copying|notice", re.IGNORECASE)
_SPDX_HEADER = re.compile(rb"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]{2,120})")
_SOURCE = (".py", ".pyi", ".pyx", ".c", ".h", ".cc", ".cpp", ".hpp", ".rs", ".js", ".ts")


@dataclass(frozen=True, slots=True)
class Found:
    """A distribution that is installed. `name` is normalised, so that each has one name."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What reading a distribution's files has shown. `altered` files differ from the hash in their RECORD."""

    files: int
    bytes: int
    sha256: str
    missing: int
    altered: list[str]
    headers: list[str]


def find_installed() -> tuple[list[Found], list[str]]:
    """Every distribution by name, the first on the path where one is there twice, and what has no readable name."""
    found: dict[str, Found] = {}
    nameless: list[str] = []
    for distribution in distributions():
        name, version = _header(distribution, "Name"), _header(distribution, "Version")
        if not name:
            nameless.append(str(getattr(distribution, "_path", "?")).rpartition("/")[2])
            continue
        normal = normalised(name)
        found.setdefault(normal, Found(normal, version or "?"))
    return [found[name] for name in sorted(found)], sorted(nameless)


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def open_distribution(name: str) -> Distribution:
    """The installed distribution of this normalised name.

    Raises:
        PackageNotFoundError: it is gone.
    """
    for distribution in distributions():
        if normalised(_header(distribution, "Name") or "") == name:
            return distribution
    raise PackageNotFoundError(name)


def read_declared(distribution: Distribution, headers: list[str]) -> Declared:
    """What the distribution says of its licenses; `headers` were found in its files."""
    texts: dict[str, str] = {}
    bundled: dict[str, str] = {}
    for path, name in _license_files(distribution):
        text = _read_text(path)
        if text is not None:
            (bundled if "/" in name else texts)[name] = text
    return Declared(
        expression=_header(distribution, "License-Expression"),
        license_field=_header(distribution, "License"),
        classifiers=[str(item) for item in distribution.metadata.get_all("Classifier") or []],
        texts=texts,
        bundled=bundled,
        headers=headers,
    )


def measure(distribution: Distribution, stopped: Callable[[], bool]) -> Measured:
    """Read every file, compare it with its RECORD, and hash them all into one fingerprint.

    `stopped` is asked between files; then the rest is left out.
    """
    whole = hashlib.sha256()
    files = size = missing = 0
    altered: list[str] = []
    headers: set[str] = set()
    for entry in sorted(distribution.files or [], key=str):
        if stopped():
            break
        try:
            with Path(str(distribution.locate_file(entry))).open("rb") as file:
                length, digest = _hash_file(file, headers if entry.name.endswith(_SOURCE) else None)
        except OSError:
            missing += 1
            continue
        files, size = files + 1, size + length
        whole.update(str(entry).encode() + b"\0" + digest + b"\n")
        if entry.hash is not None and entry.hash.mode == "sha256" and entry.hash.value != _record_form(digest):
            altered.append(str(entry))
    return Measured(files, size, whole.hexdigest(), missing, altered, sorted(headers))


def _hash_file(file: BinaryIO, headers: set[str] | None) -> tuple[int, bytes]:
    hasher, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        if headers is not None and size == 0:
            headers.update(match[1].decode().strip() for match in _SPDX_HEADER.finditer(chunk[:4096]))
        hasher.update(chunk)
        size += len(chunk)
    return size, hasher.digest()


def _record_form(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _license_files(distribution: Distribution) -> Iterator[tuple[Path, str]]:
    """License files of the metadata folder, with their names below it; a name with a slash is of bundled code."""
    for entry in distribution.files or []:
        folder = next((part for part in entry.parts if part.endswith((".dist-info", ".egg-info"))), None)
        if folder is None or not _LICENSE_FILE.match(entry.name):
            continue
        below = entry.parts[entry.parts.index(folder) + 1 :]
        inner = below[1:] if below[0] in ("licenses", "license_files") else below
        yield Path(str(distribution.locate_file(entry))), "/".join(inner)


def _read_text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_LICENSE_FILE).decode("utf-8", errors="replace")
    except OSError:
        return None


def _header(distribution: Distribution, name: str) -> str | None:
    """One header of the metadata; None for what is missing, empty, or the word that old tools wrote for it."""
    values = distribution.metadata.get_all(name) or [""]
    text = str(values[0]).strip()
    return None if text in ("", "UNKNOWN") else text
