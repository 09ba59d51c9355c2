"""URLs of stores as they may be shown: a password never stands in a message, a log line or a file."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_PLACE = re.compile(r"(?P<host>\[[^/]*\]|[^/:]*)(?P<port>:[^/]*)?(?P<path>/.*)?", re.DOTALL)
_LOCAL = frozenset({"file", "sqlite", "unix"})
"""Schemes that are followed by a path, in which an `@` is nothing special."""


def url_scheme(url: str) -> str:
    """The scheme of a URL in small letters; empty where there is none."""
    scheme, separator, _ = url.partition("://")
    return scheme.lower() if separator and _SCHEME.fullmatch(scheme) else ""


def shown_url(url: str) -> str:
    """A URL without what must not be seen, however it is written: its password and the values of its options.

    Passwords come with any character, escaped or not, so everything before the last `@` is left out. A name is kept
    only beside a password: alone it may be a token. What stands for a port and is no number is left out too: it may be
    the password of a URL that lacks its host.
    """
    scheme = url_scheme(url)
    if not scheme:
        return "…"
    rest = url.partition("://")[2]
    if scheme in _LOCAL and rest.startswith("/"):
        return f"{scheme}://{_without_options(rest)}"
    credentials, at, place = rest.rpartition("@")
    return f"{scheme}://{_without_password(credentials)}{at}{_without_options(_with_port(place))}"


def _without_password(credentials: str) -> str:
    user, _, password = credentials.partition(":")
    return f"{user}:…" if user.isalnum() and password else "…" if credentials else ""


def _with_port(place: str) -> str:
    match = _PLACE.fullmatch(place)
    if match is None:
        return "…"
    port = re.fullmatch(r":[0-9]*(?P<options>[?#].*)?", match["port"] or ":", re.DOTALL)
    return place if port else f"{match['host']}:…{match['path'] or ''}"


def _without_options(text: str) -> str:
    match = re.search(r"[?#]", text)
    return text if match is None else f"{text[: match.start()]}{match[0]}…"
