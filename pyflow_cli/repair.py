"""Fixing, inspecting, fixing again, until nothing is left that can be fixed."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from pyflow_inspector.fixing import apply_fixes, note_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector import InspectorSettings

MAX_ROUNDS = 100
"""Each round fixes at least one finding; more of them than this is a fix that undoes another."""


def repair(settings: InspectorSettings, find: Callable[[], Sequence[Diagnostic]], *, unsafe: bool) -> list[Diagnostic]:
    """Fix the findings that `find` gives, again and again; gives what was fixed, in that order.

    Raises:
        OSError: a file cannot be written; it is unchanged then.
    """
    fixed: list[Diagnostic] = []
    for _ in range(MAX_ROUNDS):
        files = note_files(settings)
        done = apply_fixes(find(), files, unsafe=unsafe)
        fixed += done
        if not done:
            break
        gc.collect()  # the trees of this round; nobody looks for cycles in a brief command
    return fixed
