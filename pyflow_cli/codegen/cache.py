"""What was rendered last time, so that only what has changed is rendered again.

It lives in `.pyflow/cache/generate`, belongs to one machine, and is a hint: a file counts as done only if it holds the
very bytes that its key gave before. A cache that is broken, foreign or cannot be written costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyflow_templates

from pyflow_cli.codegen.block import Block
from pyflow_cli.codegen.fingerprint import digest
from pyflow_cli.codegen.plan import Sections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyflow_cli.codegen.plan import FilePlan

FOLDER = Path(".pyflow", "cache", "generate")
_FILES = "files.json"
_SECTIONS = "sections.json"
_FOREIGN = (AttributeError, LookupError, TypeError, ValueError)
"""What a document of another form raises."""


def make_cache_folder(root: Path) -> Path:
    """The folder of the cache, which git ignores.

    Raises:
        OSError: it cannot be made.
    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


class RenderCache:
    """The cache of one project. Nothing is kept before `save`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER
        self._stamp = _stamp()
        self.sections = Sections(self._load_sections)

    def settle(self, folder: Path, plans: Mapping[str, FilePlan]) -> dict[str, str | None]:
        """The text of each file, or None for one that lies in `folder` with its text."""
        settled: dict[str, str | None] = {}
        for path, plan in plans.items():
            known = self._files.get(path)
            if known is not None and known[0] == plan.key and known[1] == _digest_of_file(folder / path):
                settled[path] = None
            else:
                text = plan.render()
                self._files[path] = (plan.key, _digest(text.encode("utf-8")))
                settled[path] = text
        return settled

    def save(self) -> None:
        """Keep what is known now, if that can be."""
        with suppress(OSError):
            make_cache_folder(self._root)
            sections = self._document.get("sections")
            if self.sections.used:
                kept = {key: [block.text, sorted(block.names)] for key, block in self.sections.kept().items()}
                sections = self._write(_SECTIONS, kept)
            document = {"stamp": self._stamp, "sections": sections, "files": self._files, "types": self.types}
            self._write(_FILES, document)

    def _write(self, name: str, document: object) -> str:
        content = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
        temporary = self._folder / f"{name}.{os.getpid()}.tmp"
        try:
            temporary.write_bytes(content)
            temporary.replace(self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)
        return _digest(content)

    @cached_property
    def _document(self) -> dict[str, Any]:
        document = _read_object(self._folder / _FILES)[0]
        return document if document.get("stamp") == self._stamp else {}

    @cached_property
    def _files(self) -> dict[str, tuple[str, str]]:
        with suppress(*_FOREIGN):
            return {str(path): (str(key), str(text)) for path, (key, text) in self._document["files"].items()}
        return {}

    @cached_property
    def types(self) -> dict[str, dict[str, str | None]]:
        """The modules that each type was read from, with the digests of their files."""
        with suppress(*_FOREIGN):
            return {
                name: {module: None if seen is None else str(seen) for module, seen in modules.items()}
                for name, modules in self._document["types"].items()
            }
        return {}

    def _load_sections(self) -> dict[str, Block]:
        document, seen = _read_object(self._folder / _SECTIONS)
        if not seen or seen != self._document.get("sections"):
            return {}
        with suppress(*_FOREIGN):
            return {key: Block(str(text), frozenset(names)) for key, (text, names) in document.items()}
        return {}


def _read_object(path: Path) -> tuple[dict[str, Any], str]:
    """The object in a JSON file, and the digest of the file; empty if there is none."""
    try:
        content = path.read_bytes()
        document: Any = json.loads(content.decode("utf-8", "surrogatepass"))
    except (OSError, ValueError, RecursionError):
        return {}, ""
    return (cast("dict[str, Any]", document), _digest(content)) if isinstance(document, dict) else ({}, "")


def _digest_of_file(path: Path) -> str | None:
    try:
        return _digest(path.read_bytes())
    except OSError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stamp() -> str:
    """Of everything but the project that decides on what is rendered: this code, its templates, and Python."""
    try:
        installed = version("pyflow-workflows")
    except PackageNotFoundError:
        installed = ""
    folders = (Path(__file__).parent, Path(pyflow_templates.__file__).parent)
    return digest(installed, sys.version, sorted(found for folder in folders for found in _files_of(str(folder))))


def _files_of(folder: str) -> Iterator[tuple[str, int, int]]:
    """Every file of a package, with what changes when it is changed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files_of(entry.path) if entry.name != "__pycache__" else ()
            else:
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size
