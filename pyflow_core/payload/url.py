"""URLs of payload stores: one way to read their options, and to speak of them without their passwords."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from pyflow_core.duration import parse_duration
from pyflow_core.errors import InvalidDurationError, SettingsError
from pyflow_core.suggest import did_you_mean
from pyflow_core.url import shown_url

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class StoreUrl:
    """The parts of a URL. Options are taken one by one; `finish` refuses what nobody took.

    Raises:
        SettingsError: this is no URL, or an option stands twice.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            self.port = parts.port
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise SettingsError("payloads must be a URL, such as file:///.pyflow/payloads") from None
        self.url = url
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.user = parts.username
        self.password = parts.password
        self.path = parts.path
        self.shown = shown_url(url)
        self._options = dict(pairs)
        self._known: list[str] = []
        if len(self._options) != len(pairs):
            raise SettingsError(f"payloads = {self.shown!r} has an option twice")

    def option(self, name: str) -> str | None:
        """An option's text."""
        self._known.append(name)
        return self._options.pop(name, None)

    def flag(self, name: str, *, default: bool) -> bool:
        """A yes or no."""
        given = self.option(name)
        if given is None:
            return default
        if given.lower() not in _WORDS:
            raise self.wrong(f"{name} must be yes or no")
        return _WORDS[given.lower()]

    def seconds(self, name: str) -> float | None:
        """A duration above zero, such as `7d`."""
        given = self.option(name)
        if given is None:
            return None
        try:
            seconds = float(given) if given.replace(".", "", 1).isdecimal() else parse_duration(given)
        except (InvalidDurationError, ValueError):
            seconds = 0.0
        if seconds <= 0:
            raise self.wrong(f"{name} must be a duration, such as 7d")
        return seconds

    def name(self, default: str) -> str:
        """What references call the store: `?name=`, so that a store that moves can keep its name."""
        given = self.option("name")
        if given is not None and _NAME.fullmatch(given) is None:
            raise self.wrong("name must be letters, digits and any of _.-")
        return given or default

    def finish(self) -> None:
        """Refuse options that nobody took."""
        for name in self._options:
            raise self.wrong(f"there is no option {name!r}{did_you_mean(name, self._known)}")

    def wrong(self, why: str) -> SettingsError:
        """An error about this URL, without its password."""
        return SettingsError(f"payloads = {self.shown!r}: {why}")


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
