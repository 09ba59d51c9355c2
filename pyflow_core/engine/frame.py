"""Frames of the running program, by names of `sys` that are documented and yet begin with an underscore."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

caller_frame = sys._getframe  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
"""The frame so many calls above the caller; 0 is the caller's own."""


def stack_frames() -> dict[int, FrameType]:
    """The present frame of each thread, by its ident."""
    return sys._current_frames()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
