"""`file:///relative/folder`, `file:////absolute/folder`, `?name=` and `?sync=no`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.payload.url import StoreUrl, project_path
from pyflow_services.files.payload import FilesPayloadService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock


def from_url(url: str, root: Path | None, clock: Clock) -> FilesPayloadService:
    """The payload service of a `file:` URL; a relative path counts from `root`.

    Raises:
        SettingsError: the URL has no path, an unknown option, or a relative path where there is no root.
    """
    del clock
    parsed = StoreUrl(url)
    sync = parsed.flag("sync", default=True)
    name = parsed.name("file")
    parsed.finish()
    if parsed.host or len(parsed.path) < 2:
        raise parsed.wrong("it names no folder: write file:///relative/path or file:////absolute/path")
    return FilesPayloadService(project_path(parsed, root), name, sync=sync)
