"""`file:///relative/folder`, `file:////absolute/folder`, `?name=` and `?sync=no`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyflow_core.errors import SettingsError
from pyflow_core.payload.url import StoreUrl
from pyflow_services.files.payload import FilesPayloadService

if TYPE_CHECKING:
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
        raise SettingsError(
            f"payloads = {url!r} names no folder: write file:///relative/path or file:////absolute/path"
        )
    return FilesPayloadService(project_path(parsed, root), name, sync=sync)


def project_path(parsed: StoreUrl, root: Path | None) -> Path:
    """The path of a URL; a relative one counts from the project.

    Raises:
        SettingsError: it is relative, and there is no project.
    """
    path = Path(unquote(parsed.path[1:]))
    if path.is_absolute():
        return path
    if root is None:
        raise SettingsError(
            f"payloads = {parsed.shown!r} is relative, and this installed package has no project folder: "
            "set PYFLOW_PAYLOADS"
        )
    return root / path
