"""What a cached answer depends on beside the source: pyflow's own code, libcst, Python."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path

_CORE_MODULES = ("duration", "errors", "metadata", "naming", "options", "suggest")


@cache
def fingerprint() -> str:
    """Changes whenever the same source might be answered differently.

    Contents count and not versions, since pyflow may run from a folder that is being worked on.
    """
    hasher = hashlib.sha256(f"{sys.version_info[:3]} {sys.implementation.cache_tag}".encode())
    for path in _own_files():
        hasher.update(f"\0{path.name}\0".encode())
        hasher.update(path.read_bytes())
    hasher.update(_version_of("libcst"))
    return hasher.hexdigest()


def _own_files() -> list[Path]:
    inspector = Path(__file__).parent
    core = inspector.parent / "pyflow_core"
    return [*sorted(inspector.rglob("*.py")), *(core / f"{name}.py" for name in _CORE_MODULES)]


def _version_of(package: str) -> bytes:
    """Its file of versions, read without importing it, which takes long."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return b"missing"
    folder = Path(spec.origin).parent
    version = folder / "_version.py"
    return version.read_bytes() if version.is_file() else str(folder).encode()
