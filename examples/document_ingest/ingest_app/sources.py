"""Finds the files of installed packages that hold text, and reads the text out of them."""

from __future__ import annotations

import ast
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path
from sysconfig import get_path
from typing import TYPE_CHECKING

from ingest_app.models import Catalog, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEXTS = {".txt", ".rst", ".md"}
LARGEST_FILE = 5_000_000
_SPACE = re.compile(r"[ \t]+")


def library_root() -> Path:
    """The folder in which packages are installed."""
    return Path(get_path("purelib"))


def find(root: Path, packages: Sequence[str], most_bytes: int, batch_bytes: int) -> Catalog:
    """The files to be read, in batches."""
    batches: list[list[str]] = []
    size = total = 0
    for path, length in _files(root, packages):
        if total + length > most_bytes:
            break
        if not batches or size + length > batch_bytes:
            batches.append([])
            size = 0
        batches[-1].append(path.relative_to(root).as_posix())
        size += length
        total += length
    return Catalog(batches=batches, count=len(batches), bytes=total)


def _files(root: Path, packages: Sequence[str]) -> Iterator[tuple[Path, int]]:
    folders = [root / name for name in packages] if packages else [root]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if (path.suffix in {*TEXTS, ".html", ".py"} or path.name == "METADATA") and path.is_file():
                length = path.stat().st_size
                if 0 < length <= LARGEST_FILE:
                    yield path, length


def read(root: Path, name: str) -> Document | None:
    """The text of a file; None if there is none in it."""
    path = root / name
    try:
        raw = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # uninstalled meanwhile
    text = _text_of(path, raw).strip()
    return Document(source=name, title=_title(text) or name, text=text) if text else None


def _text_of(path: Path, raw: str) -> str:
    if path.suffix == ".py":
        return docstrings(raw)
    if path.suffix == ".html":
        return visible_text(raw)
    return raw


def docstrings(source: str) -> str:
    """The docstrings of a module, its classes and functions, each below its name; nothing of what is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                found.append(text if isinstance(node, ast.Module) else f"{node.name}\n{text}")
    return "\n\n".join(found)


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0 and data.strip():
            self.parts.append(data.strip())


def visible_text(html: str) -> str:
    """What a browser would show of a page, about."""
    parser = _Visible()
    parser.feed(html)
    return "\n".join(parser.parts)


def _title(text: str) -> str:
    line = next((line for line in text.splitlines() if any(letter.isalpha() for letter in line)), "")
    return _SPACE.sub(" ", line.strip(" #=-*\"'\t"))[:120]
