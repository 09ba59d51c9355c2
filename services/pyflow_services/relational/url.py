"""`sqlite:///relative.db`, `sqlite:////absolute.db`, `?synchronous=normal`, `?name=`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.payload.url import StoreUrl, project_path
from pyflow_services.relational.payload import RelationalPayloadService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock
    from pyflow_services.relational.table import Synchronous

_SYNCHRONOUS: dict[str, Synchronous] = {"full": "full", "normal": "normal"}


def from_url(url: str, root: Path | None, clock: Clock) -> RelationalPayloadService:
    """The payload service of a `sqlite:` URL; a relative path counts from `root`.

    Raises:
        SettingsError: the URL has no path, an unknown option, or a relative path where there is no root.
    """
    parsed = StoreUrl(url)
    name = parsed.name("sqlite")
    synchronous = _SYNCHRONOUS.get((parsed.option("synchronous") or "full").lower())
    parsed.finish()
    if synchronous is None:
        raise parsed.wrong("synchronous must be full or normal")
    if parsed.host or len(parsed.path) < 2:
        raise parsed.wrong("it names no file: write sqlite:///relative/path.db or sqlite:////absolute/path.db")
    path = project_path(parsed, root)
    return RelationalPayloadService(path, name, synchronous=synchronous, clock=clock.time)
