"""`sqlite:///relative.db`, `sqlite:////absolute.db`, `?synchronous=normal`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from pyflow_core.errors import SettingsError
from pyflow_core.url import shown_url
from pyflow_services.sqlite.service import SqliteStateService

if TYPE_CHECKING:
    from pyflow_core.clock import Clock
    from pyflow_services.sqlite.schema import Synchronous

_SYNCHRONOUS: dict[str, Synchronous] = {"full": "full", "normal": "normal"}


def from_url(url: str, root: Path | None, clock: Clock) -> SqliteStateService:
    """The state service of a `sqlite:` URL; a relative path counts from `root`.

    Raises:
        SettingsError: the URL has no path, an unknown option, or a relative path where there is no root.
    """
    shown = f"state = {shown_url(url)!r}"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingsError(f"{shown} is no URL: write sqlite:///relative/path.db") from None
    if parts.netloc or len(parts.path) < 2:
        raise SettingsError(f"{shown} names no file: write sqlite:///relative/path.db or sqlite:////absolute.db")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    synchronous = _SYNCHRONOUS.get(options.pop("synchronous", "full").lower())
    if options:
        raise SettingsError(f"{shown}: there is no option {next(iter(options))!r}; known: synchronous")
    if synchronous is None:
        raise SettingsError(f"{shown}: synchronous must be full or normal")
    path = Path(unquote(parts.path[1:]))
    if not path.is_absolute():
        if root is None:
            raise SettingsError(
                f"{shown} is relative, and this installed package has no project folder: set PYFLOW_STATE"
            )
        path = root / path
    return SqliteStateService(path, synchronous=synchronous, clock=clock.time)
