"""One process at a time generates in a project.

Each reads the source and then replaces what differs; two that do so at once, with an edit between them, could leave
files of both. Whoever comes second reads the source once the first is done.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pyflow_cli.output import Output

_LOCK = "lock"


@contextmanager
def generating(root: Path, output: Output) -> Generator[None]:
    """Wait for the turn of this process. Where nothing can be locked, nothing is waited for."""
    descriptor = _open(root)
    if descriptor is None:
        yield
        return
    try:
        _lock(descriptor, output)
        yield
    finally:
        os.close(descriptor)


def _open(root: Path) -> int | None:
    from pyflow_cli.codegen.cache import make_cache_folder

    try:
        return os.open(make_cache_folder(root) / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None


def _lock(descriptor: int, output: Output) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        output.prose("another process generates in this project: waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return  # a file system without locks
