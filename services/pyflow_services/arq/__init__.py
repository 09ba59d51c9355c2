"""The queue port on arq, for workers on several machines. Needs the extra `redis`; importing this needs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_services.arq.queue import ArqQueueService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock


def from_url(url: str, root: Path | None, clock: Clock) -> ArqQueueService:
    """The queue service of a `redis://`, `rediss://` or `unix://` URL.

    Raises:
        SettingsError: the URL is wrong.
    """
    del root, clock
    return ArqQueueService(url)


__all__ = ["ArqQueueService", "from_url"]
